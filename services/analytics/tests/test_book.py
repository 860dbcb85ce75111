"""What a book asks of the symbol layer."""

from datetime import date
from typing import Any

import pytest

from analytics.past import NOTHING_WANTED
from analytics.portfolios import BookGoneError

MONDAY = date(2024, 12, 16)


async def test_only_public_positions_known_when_it_was_folded_are_looked_up(world: Any, replica: Any) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(
        portfolio,
        1,
        MONDAY,
        world.lot("AAA", 1.0),
        world.lot("AAA", -2.0),
        world.lot("NEW", 3.0),
        world.lot("OPT", 4.0, investment_class="OPTIONS", price_status="manual"),
        world.lot("PRV", 5.0, investment_class="PRIVATE", price_status="manual"),
        unknown=["NEW"],
    )
    book, _, _ = await replica.portfolios.read("ana", portfolio, lambda _: NOTHING_WANTED)
    assert book.estimable_symbols == {"AAA"}
    assert sorted(book.market_values.tolist()) == [-2.0, 1.0, 3.0, 4.0, 5.0]
    assert [position.position_id for position in book.positions] == sorted(
        position.position_id for position in book.positions
    )


async def test_the_database_itself_hides_another_owners_book(world: Any, replica: Any) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=1.0)
    for owner in ("bob", "", "ana' OR true --"):
        with pytest.raises(BookGoneError):
            await replica.portfolios.read(owner, portfolio, lambda _: NOTHING_WANTED)
