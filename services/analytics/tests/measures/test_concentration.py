"""How much is in few places: by hand, and what holds of any book."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.evidence import Evidence
from analytics.measures.concentration import Concentration, ConcentrationParameters, compute
from yardstick.books import Lot, book_of, edition_of, planted_market

EDITION = edition_of(planted_market(("AAA",)))


def _of(*lots: Lot, top: int = 10, **book: float) -> Concentration:
    return compute(Evidence(book_of(lots, **book), EDITION), ConcentrationParameters(top=top)).result


def test_lots_of_a_symbol_are_one_and_private_and_options_count() -> None:
    found = _of(
        Lot("AAA", 300.0, sector="Energy"),
        Lot("AAA", -100.0, sector="Energy"),
        Lot("HOUSE", 400.0, investment_class="PRIVATE", price_status="manual"),
        Lot("AAA CALL", -200.0, investment_class="OPTIONS", price_status="manual", sector="Energy"),
    )
    assert found.by_symbol.hhi == pytest.approx((0.4**2 + 0.4**2 + 0.2**2) * 1e4)
    assert found.by_symbol.effective_number == pytest.approx(1 / 0.36)
    assert (found.by_symbol.top_3_share, found.by_symbol.top_10_share) == (pytest.approx(1.0), pytest.approx(1.0))
    assert [line.name for line in found.by_symbol.largest] == ["AAA", "HOUSE", "AAA CALL"]
    first = found.by_symbol.largest[0]
    assert (first.long_share, first.short_share, first.net_share) == (0.3, -0.1, pytest.approx(0.2))
    assert [(line.name, line.share) for line in found.by_sector.largest] == [("Energy", 0.6), ("PRIVATE", 0.4)]
    assert (found.long_share, found.short_share, found.net_share) == (0.7, pytest.approx(-0.3), pytest.approx(0.4))


def test_a_lot_without_price_is_in_no_share() -> None:
    book = book_of([Lot("AAA", 300.0), Lot("OLD", 100.0, price_status="unpriced")], nav=-5.0)
    finding = compute(Evidence(book, EDITION), ConcentrationParameters())
    assert (finding.result.by_symbol.hhi, finding.result.unpriced_usd, finding.coverage) == (10_000, 100.0, 0.75)
    assert finding.result.by_sector.largest[0].name_reason == "unclassified"


@pytest.mark.parametrize(
    ("lots", "reason"),
    [([], "nothing_held"), ([Lot("AAA", 3.0, price_status="unpriced")], "nothing_priced")],
)
def test_without_a_price_there_is_no_index_but_a_reason(lots: list[Lot], reason: str) -> None:
    found = _of(*lots)
    assert (found.reason, found.by_symbol.hhi, found.by_sector.effective_number, found.net_share) == (
        reason, None, None, None,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDEFGHIJKL"), st.floats(-1e9, 1e9).filter(lambda v: abs(v) > 1e-3)), min_size=1
    )
)
def test_shares_sum_to_one_and_the_index_is_between_that_of_equal_parts_and_all_in_one(
    held: list[tuple[str, float]],
) -> None:
    found = _of(*(Lot(*one) for one in held), top=1000)
    groups, hhi = found.by_symbol.groups, found.by_symbol.hhi
    assert hhi is not None
    assert sum(line.share for line in found.by_symbol.largest) == pytest.approx(1.0, abs=1e-9)
    assert 10_000 / groups * (1 - 1e-9) <= hhi <= 10_000 * (1 + 1e-9)
    assert found.long_share - found.short_share == pytest.approx(1.0, abs=1e-9)  # type: ignore[operator]


def test_lists_are_bounded() -> None:
    assert len(_of(*(Lot(f"S{n}", 1.0 + n) for n in range(30)), top=4).by_symbol.largest) == 4
    with pytest.raises(ValidationError):
        ConcentrationParameters(top=1001)
