"""Each position's exposures: they add up to the portfolio's, page by page, and say why where there is none."""

import pytest
from pydantic import ValidationError

from analytics.evidence import Evidence
from analytics.measures import factor_exposures
from analytics.measures.measure import Parameters
from analytics.measures.position_factor_exposures import PositionExposureParameters, compute
from yardstick.books import Lot, book_of, edition_of, planted_market

OWN = tuple(f"S{n:02d}" for n in range(9))
EXPOSURES = {symbol: [0.1 * n - 0.3] * 11 + [float("nan") if n == 4 else 2.0] for n, symbol in enumerate(OWN)}
EDITION = edition_of(planted_market(OWN), exposures=EXPOSURES)
LOTS = [
    *(Lot(symbol, (-1) ** n * (1000.0 + n)) for n, symbol in enumerate(OWN)),
    Lot("S00", 50.0),
    Lot("GONE", 7.0),
    Lot("S03 PUT", 5.0, investment_class="OPTIONS", price_status="manual"),
    Lot("S05", 6.0, price_status="unpriced"),
]


def test_contributions_of_all_pages_sum_to_the_portfolios_exposure() -> None:
    evidence = Evidence(book_of(LOTS, nav=2500.0), EDITION)
    whole = factor_exposures.compute(evidence, Parameters())
    seen = []
    for skip in range(0, 16, 4):
        page = compute(evidence, PositionExposureParameters(top=4, skip=skip))
        seen += page.result.positions
        assert page.coverage == pytest.approx(whole.coverage)
    assert len(seen) == page.result.total_positions == len(LOTS)
    for column, (portfolio, total) in enumerate(zip(whole.result.factors, page.result.totals, strict=True)):
        added = sum(line.exposures[column].contribution or 0.0 for line in seen)
        assert added == pytest.approx(portfolio.beta, rel=1e-12)
        assert total.contribution == pytest.approx(portfolio.beta, rel=1e-12)
        assert (total.factor, total.positions) == (portfolio.factor, portfolio.positions)


def test_what_has_no_exposure_is_null_with_a_reason() -> None:
    lines = compute(Evidence(book_of(LOTS, nav=2500.0), EDITION), PositionExposureParameters()).result.positions
    by_symbol = {(line.symbol, line.market_value): line for line in lines}
    young = by_symbol["S04", 1004.0].exposures[11]
    assert (young.beta, young.contribution, young.reason) == (None, None, "too_few_observations")
    assert by_symbol["GONE", 7.0].exposures[0].reason == "unknown"
    assert by_symbol["S03 PUT", 5.0].exposures[0].reason == "option"
    assert by_symbol["S05", 6.0].exposures[0].reason == "unpriced"
    first = by_symbol["S08", 1008.0].exposures[0]
    assert (first.beta, first.standard_error) == (pytest.approx(0.5), 0.1)
    assert first.contribution == pytest.approx(0.5 * 1008 / 2500)


@pytest.mark.parametrize("nav", [0.0, -10.0])
def test_without_positive_nav_dollars_stay_true(nav: float) -> None:
    found = compute(Evidence(book_of(LOTS, nav=nav), EDITION), PositionExposureParameters()).result
    first = found.positions[0].exposures[0]
    assert (first.contribution, first.contribution_usd, found.weights_reason) == (
        None, pytest.approx(504.0), "nav_not_positive",
    )  # fmt: skip
    assert (found.totals[0].contribution, found.totals[0].reason) == (None, "nav_not_positive")
    assert found.totals[0].contribution_usd is not None


@pytest.mark.parametrize("asked", [{"top": 0}, {"top": 201}, {"skip": -1}])
def test_pages_out_of_range_are_refused(asked: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        PositionExposureParameters(**asked)
