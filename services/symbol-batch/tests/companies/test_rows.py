"""What of an answer can be stored, and what is left out and why."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import inf, nan

import pytest

from symbol_batch.companies.rows import line_rows, profile_row, sentence
from symbol_batch.providers.provider import Profile, StatementLine

PROFILE = Profile("EQUITY", "Coca-Cola", "Consumer Defensive", "Beverages", "United States", "USD", 4.3e9, 2.47)
LINE = StatementLine("income", "annual", date(2024, 12, 31), "TotalRevenue", 47_061_000_000.0, "amount", "USD")


def stored(figure: float, **changes: object) -> tuple[object, list[str]]:
    rows, reasons = line_rows("KO", [replace(LINE, figure=figure, **changes)])
    return (rows[0].amount if rows[0].amount is not None else rows[0].ratio) if rows else None, reasons


def test_a_whole_profile_is_stored_with_the_sector_of_the_ruling() -> None:
    row, reasons = profile_row("KO", PROFILE)
    assert (row.sector, row.shares_outstanding, row.trailing_eps, reasons) == ("Consumer Staples", 4.3e9, 2.47, [])


@pytest.mark.parametrize("shares", [0.0, -1.0, nan, inf, 1e16])
def test_a_count_of_shares_that_no_company_has_is_null_with_its_reason(shares: float) -> None:
    row, reasons = profile_row("KO", replace(PROFILE, shares_outstanding=shares))
    assert row.shares_outstanding is None
    assert reasons == [f"{shares:g} shares outstanding"]


@pytest.mark.parametrize("earnings", [nan, inf, -inf, 1e300])
def test_earnings_that_no_share_has_are_null_with_their_reason(earnings: float) -> None:
    row, reasons = profile_row("KO", replace(PROFILE, trailing_eps=earnings))
    assert (row.trailing_eps, len(reasons)) == (None, 1)


def test_a_loss_is_stored() -> None:
    assert profile_row("KO", replace(PROFILE, trailing_eps=-3.2))[0].trailing_eps == -3.2


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2100, 1, 1), date.max])
def test_an_earnings_date_in_another_age_is_null_with_its_reason(day: date) -> None:
    row, reasons = profile_row("KO", replace(PROFILE, next_earnings=day))
    assert (row.next_earnings, reasons) == (None, [f"next earnings on {day}"])


def test_a_sector_nobody_knows_is_null_with_its_reason() -> None:
    row, reasons = profile_row("KO", replace(PROFILE, sector="Soft Drinks"))
    assert (row.sector, reasons) == (None, ["sector 'Soft Drinks' is none of the eleven"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [("Coca\x00-Cola\n Co", "Coca-Cola Co"), ("\ud800Coca", "Coca"), ("  ", None), ("C" * 300, "C" * 200), ("", None)],
)
def test_text_loses_what_no_database_stores(text: str, kept: str | None) -> None:
    assert profile_row("KO", replace(PROFILE, name=text))[0].name == kept


@pytest.mark.parametrize(
    ("figure", "amount"),
    [
        (47_061_000_000.0, "47061000000.00"),
        (9.99e27, "9990000000000000000000000000.00"),
        (-9.9e27, "-9900000000000000000000000000.00"),
        (0.125, "0.12"),
        (0.135, "0.14"),
        (-0.0, "0.00"),
        (-0.001, "0.00"),
        (5e-324, "0.00"),
    ],
)
def test_an_amount_is_stored_to_the_cent_however_large_or_small(figure: float, amount: str) -> None:
    value, reasons = stored(figure)
    assert (str(value), reasons) == (amount, [])


@pytest.mark.parametrize("figure", [1e28, -1e28, 1.7e308, nan, inf, -inf])
def test_an_amount_that_does_not_fit_is_left_out_with_its_reason_and_stops_nothing(figure: float) -> None:
    rows, reasons = line_rows("KO", [LINE, replace(LINE, item="NetIncome", figure=figure)])
    assert [row.item for row in rows] == ["TotalRevenue"]
    assert len(reasons) == 1
    assert reasons[0].startswith("annual NetIncome of 2024-12-31: ")


def test_ratios_are_no_amounts() -> None:
    assert stored(2.4700001, unit="ratio") == (2.4700001, [])
    assert str(stored(-0.0, unit="ratio")[0]) == "0.0"
    assert stored(1e10, unit="ratio")[0] is None
    assert stored(nan, unit="ratio")[0] is None


@pytest.mark.parametrize("changes", [{"item": " "}, {"period_end": date.max}])
def test_a_line_of_no_item_or_period_is_left_out(changes: dict[str, object]) -> None:
    assert stored(1.0, **changes)[0] is None


def test_of_a_figure_given_twice_the_last_counts_and_a_difference_is_said() -> None:
    rows, reasons = line_rows("KO", [LINE, LINE])
    assert (len(rows), reasons) == (1, [])
    rows, reasons = line_rows("KO", [LINE, replace(LINE, figure=1.0)])
    assert ([row.amount for row in rows], len(reasons)) == ([Decimal("1.00")], 1)


def test_the_sentence_names_twenty_reasons_and_counts_the_others() -> None:
    said = sentence("left out: trailingEps is 'x', no number", [f"reason {number}" for number in range(25)])
    assert said is not None
    assert said.startswith("left out: trailingEps is 'x', no number; not stored: reason 0; ")
    assert said.endswith("reason 19; and 5 more")
    assert sentence(None, []) is None
    assert len(sentence("x" * 10_000, []) or "") == 2_000
