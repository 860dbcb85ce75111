"""Which sector a symbol counts in."""

import pytest

from symbol_batch.companies.sectors import ETF, SECTORS, sector_of


@pytest.mark.parametrize(
    ("named", "sector"),
    [
        ("Financial Services", "Financials"),
        ("Consumer Cyclical", "Consumer Discretionary"),
        ("Consumer Defensive", "Consumer Staples"),
        ("Basic Materials", "Materials"),
        ("Technology", "Information Technology"),
        ("Healthcare", "Health Care"),
    ],
)
def test_yahoos_names_become_those_of_gics(named: str, sector: str) -> None:
    assert sector_of("EQUITY", named) == sector
    assert sector_of("EQUITY", f" {named.lower()} ") == sector


@pytest.mark.parametrize("sector", sorted(SECTORS))
def test_a_gics_name_stays(sector: str) -> None:
    assert sector_of("EQUITY", sector) == sector


def test_there_are_eleven_sectors_and_no_other_word_makes_a_twelfth() -> None:
    assert len(SECTORS) == 11
    assert [sector_of("EQUITY", named) for named in ("", " ", "N/A", "Tech", "ETF")] == [None] * 5
    assert sector_of("EQUITY", None) is None


@pytest.mark.parametrize("kind", ["ETF", "etf", "MUTUALFUND"])
def test_a_fund_is_in_the_funds_bucket_whatever_it_holds(kind: str) -> None:
    assert sector_of(kind, "Technology") == sector_of(kind, None) == ETF
