"""What a book asks of the symbol layer."""

from datetime import date
from typing import Any

import pytest

from analytics.past import NOTHING_WANTED, Wanted
from analytics.portfolios import BookGoneError, Portfolios

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


async def test_a_second_question_about_a_valuation_reads_no_book_again(world: Any, replica: Any) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 600.0), cash=400.0)
    read = replica.portfolios.read
    book, _, _ = await read("ana", portfolio, lambda _: NOTHING_WANTED, 1)
    again, _, _ = await read("ana", portfolio, lambda _: NOTHING_WANTED, 1)
    assert again is book
    past, _, found = await read("ana", portfolio, lambda _: Wanted(snapshots=True), 1)
    assert (past == book, past is book, found.snapshots.nav.tolist()) == (True, False, [1000.0])
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    newer, _, _ = await read("ana", portfolio, lambda _: NOTHING_WANTED, 2)
    assert (newer.valuation, newer.snapshot.nav) == (2, 5.0)


async def test_books_are_kept_up_to_so_many_positions(world: Any, replica: Any) -> None:
    await world.edition(1, MONDAY)
    small = Portfolios(replica.portfolios._pool, positions_kept=3)
    for lots in (1, 1, 5):
        portfolio = await world.portfolio()
        await world.fold(portfolio, 1, MONDAY, *(world.lot("AAA", 1.0 + n) for n in range(lots)))
        await small.read("ana", portfolio, lambda _: NOTHING_WANTED)
    assert small._books.currsize <= 3
