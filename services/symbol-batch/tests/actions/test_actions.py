"""The ledger of corporate actions and prices as traded."""

from datetime import date

import numpy as np
import pytest

from riskstream.market.actions import action_panel
from symbol_batch.actions import (
    CorporateAction,
    as_declared_dividends,
    as_traded_closes,
    classify_ratio,
)

SESSIONS = [date(2024, 6, day) for day in (3, 4, 5, 6, 7)]


def split(day: int, ratio: float, symbol: str = "NVDA") -> CorporateAction:
    return CorporateAction(symbol, date(2024, 6, day), classify_ratio(ratio), ratio=ratio)


@pytest.mark.parametrize(
    "ratio",
    [2.0, 3.0, 10.0, 50.0, 0.5, 1 / 3, 0.333, 0.125, 0.05, 0.01, 1.5, 1.25, 4 / 3, 1.333, 2.5, 5 / 3, 1.2, 1.1, 1.05],
)
def test_usual_ratios_are_splits(ratio: float) -> None:
    assert classify_ratio(ratio) == "split"


@pytest.mark.parametrize("ratio", [1.281, 1.324, 1.0053282396702523, 1.0004, 0.9996, 0.4725, 1.975, 3.502, 1.06])
def test_spin_offs_and_stock_dividends_are_distributions(ratio: float) -> None:
    assert classify_ratio(ratio) == "distribution"


def test_the_tolerance_is_half_a_thousandth_either_side() -> None:
    assert [classify_ratio(1.5 + step) for step in (4.9e-4, -4.9e-4, 5.1e-4, -5.1e-4)] == [
        "split", "split", "distribution", "distribution",
    ]  # fmt: skip


@pytest.mark.parametrize("ratio", [0.0, -2.0, 1.0, float("nan"), float("inf")])
def test_a_ratio_that_is_no_action_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="drop the row"):
        classify_ratio(ratio)


@pytest.mark.parametrize(
    ("kind", "ratio", "amount"),
    [
        ("split", None, None),
        ("split", 0.0, None),
        ("split", 2.0, 0.5),
        ("distribution", float("nan"), None),
        ("dividend", None, None),
        ("dividend", 2.0, None),
        ("dividend", None, -0.1),
        ("dividend", None, float("inf")),
    ],
)
def test_an_action_without_a_usable_figure_is_refused(kind: str, ratio: float | None, amount: float | None) -> None:
    with pytest.raises(ValueError, match="NVDA on 2024-06-05"):
        CorporateAction("NVDA", date(2024, 6, 5), kind, ratio, amount)  # type: ignore[arg-type]


def test_closes_before_the_ex_date_are_multiplied_back() -> None:
    closes = np.array([115.0, 116.4, 122.4, 121.0, np.nan])
    traded = as_traded_closes(SESSIONS, closes, [split(5, 10.0)])
    np.testing.assert_array_equal(traded, [1150.0, 1164.0, 122.4, 121.0, np.nan])


def test_splits_and_distributions_are_both_undone_in_any_order_given() -> None:
    actions = [split(6, 1.281), split(4, 2.0), CorporateAction("NVDA", SESSIONS[1], "dividend", amount=1.0)]
    traded = as_traded_closes(SESSIONS, np.ones(5), actions)
    np.testing.assert_allclose(traded, [2 * 1.281, 1.281, 1.281, 1.0, 1.0], rtol=1e-15)


def test_an_action_after_the_last_session_counts_for_all_of_them() -> None:
    later = CorporateAction("NVDA", date(2024, 7, 1), "split", ratio=4.0)
    np.testing.assert_array_equal(as_traded_closes(SESSIONS, np.ones(5), [later]), np.full(5, 4.0))


def test_all_price_columns_can_be_undone_at_once() -> None:
    bars = np.arange(20.0).reshape(5, 4)
    traded = as_traded_closes(SESSIONS, bars, [split(5, 2.0)])
    np.testing.assert_array_equal(traded, bars * np.array([2, 2, 1, 1, 1])[:, None])


def test_a_dividend_on_the_ex_date_of_a_split_belongs_to_the_shares_before_it() -> None:
    declared = as_declared_dividends(SESSIONS, np.full(5, 0.01), [split(5, 10.0)])
    np.testing.assert_allclose(declared, [0.1, 0.1, 0.1, 0.01, 0.01], rtol=1e-15)


def test_the_panel_holds_each_symbols_actions_on_its_session() -> None:
    ratios, dividends = action_panel(
        [split(5, 10.0), CorporateAction("KO", SESSIONS[3], "dividend", amount=0.485)], SESSIONS, ["KO", "NVDA"]
    )
    assert (ratios[2, 1], dividends[3, 0]) == (10.0, 0.485)
    assert (ratios.sum(), dividends.sum()) == (9 + 10.0, 0.485)


def test_an_action_on_a_day_without_session_counts_on_the_next_one() -> None:
    sessions = [date(2024, 6, 6), date(2024, 6, 7), date(2024, 6, 10)]
    ratios, dividends = action_panel(
        [split(8, 2.0), CorporateAction("NVDA", date(2024, 6, 9), "dividend", amount=0.25)], sessions, ["NVDA"]
    )
    np.testing.assert_array_equal(ratios[:, 0], [1.0, 1.0, 2.0])
    np.testing.assert_array_equal(dividends[:, 0], [0.0, 0.0, 0.25])


def test_two_actions_on_one_session_are_both_kept() -> None:
    actions = [split(5, 2.0), split(5, 1.5), *[CorporateAction("NVDA", SESSIONS[2], "dividend", amount=0.1)] * 2]
    ratios, dividends = action_panel(actions, SESSIONS, ["NVDA"])
    assert (ratios[2, 0], dividends[2, 0]) == (3.0, 0.2)


def test_actions_outside_the_panel_are_left_out() -> None:
    outside = [
        CorporateAction("NVDA", date(2024, 6, 1), "split", ratio=2.0),
        CorporateAction("NVDA", date(2024, 6, 8), "split", ratio=2.0),
        split(5, 2.0, "AAPL"),
    ]
    ratios, dividends = action_panel(outside, SESSIONS, ["NVDA"])
    assert (ratios == 1.0).all()
    assert (dividends == 0.0).all()
