"""Sectors of a book beside those of the S&P 500: by hand, sums, and the dated table."""

from datetime import date

import pytest

from analytics.evidence import Evidence
from analytics.measures.measure import Parameters
from analytics.measures.sector_exposure import SectorExposure, SectorLine, compute
from analytics.sp500_sectors import TABLES, sector_weights
from yardstick.books import Lot, book_of, edition_of, planted_market

EDITION = edition_of(planted_market(("AAA",)))
LOTS = (
    Lot("AAA", 300.0, sector="Energy"),
    Lot("BBB", -100.0, sector="Energy"),
    Lot("SPY", 200.0, sector="ETF"),
    Lot("HOUSE", 50.0, investment_class="PRIVATE", price_status="manual"),
    Lot("AAA PUT", -20.0, investment_class="OPTIONS", price_status="manual", sector="Energy"),
    Lot("NEW", 30.0),
    Lot("OLD", 40.0, sector="Energy", price_status="unpriced"),
)


def _of(*lots: Lot, **book: float) -> SectorExposure:
    return compute(Evidence(book_of(lots, **book), EDITION), Parameters()).result


def _line(found: SectorExposure, sector: str | None) -> SectorLine:
    return next(line for line in found.sectors if line.sector == sector)


def test_sectors_are_long_short_net_and_gross_with_options_apart() -> None:
    found = _of(*LOTS, nav=1000.0)
    energy = _line(found, "Energy")
    assert (energy.long_usd, energy.short_usd, energy.net_usd, energy.gross_usd) == (300.0, -100.0, 200.0, 400.0)
    assert (energy.long, energy.short, energy.net, energy.gross) == (0.3, -0.1, 0.2, 0.4)
    assert (energy.options, energy.options_usd, energy.options_gross_usd) == (1, -20.0, 20.0)
    assert energy.active_weight == pytest.approx(0.2 - 3.9 / 100.1)
    assert [line.sector for line in found.sectors[11:]] == ["ETF", "PRIVATE", None]
    assert _line(found, "ETF").active_reason == "not_a_sector_of_the_benchmark"
    assert (_line(found, None).sector_reason, found.etf_gross_usd) == ("unclassified", 200.0)
    assert _line(found, "Utilities").net == 0.0


def test_lines_options_and_what_has_no_price_make_the_net_market_value() -> None:
    found = _of(*LOTS, nav=1000.0)
    assert sum(line.net_usd for line in found.sectors) == pytest.approx(found.total.net_usd)
    net = found.total.net_usd + found.total.options_usd + found.unpriced_usd
    assert net == pytest.approx(sum(lot.market_value for lot in LOTS))
    assert sum(line.benchmark_weight or 0.0 for line in found.sectors) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("nav", [0.0, -100.0])
def test_without_positive_nav_dollars_stay_true(nav: float) -> None:
    found = _of(*LOTS, nav=nav)
    energy = _line(found, "Energy")
    assert (energy.net_usd, energy.net, energy.active_weight) == (200.0, None, None)
    assert (energy.active_reason, found.relative_reason) == ("nav_not_positive", "nav_not_positive")


def test_a_book_of_the_benchmarks_fund_has_no_sector() -> None:
    found = _of(Lot("SPY", 100.0, sector="ETF"))
    assert all(line.net == 0.0 and line.active_weight == -line.benchmark_weight for line in found.sectors[:11])  # type: ignore[operator]


def test_the_table_is_the_newest_that_was_known_and_sums_to_one() -> None:
    assert sector_weights(date(2024, 12, 30)).as_of == date(2023, 12, 29)
    assert sector_weights(date(2024, 12, 31)).as_of == date(2024, 12, 31)
    assert sector_weights(date(2019, 1, 2)).as_of == TABLES[0].as_of
    assert _of().benchmark.as_of == date(2023, 12, 29)
    for table in TABLES:
        assert len(table.printed) == 11
        assert sum(table.weights.values()) == pytest.approx(1.0, abs=1e-12)
        assert abs(sum(table.printed.values()) - 100) < 0.2
