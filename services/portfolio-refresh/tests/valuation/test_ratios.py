"""Products of ratios gone ex."""

import numpy as np

from portfolio_refresh.valuation.ratios import Ratios

DAY = "datetime64[D]"


def ratios():
    return Ratios(
        np.array([1, 0, 1], dtype=np.int64),
        np.array(["2024-06-10", "2022-07-18", "2021-07-20"], dtype=DAY),
        np.array([10.0, 20.0, 4.0]),
    )


def test_a_ratio_counts_from_its_ex_date_on_and_multiplies():
    dates = np.array(["2021-07-19", "2021-07-20", "2024-06-09", "2024-06-10"], dtype=DAY)
    assert ratios().until(np.array(1), dates).tolist() == [1, 4, 4, 40]
    assert ratios().before(np.array(1), dates).tolist() == [1, 1, 4, 4]


def test_a_symbol_sees_its_own_actions_only():
    date = np.array("2030-01-01", dtype=DAY)
    assert ratios().until(np.array([0, 1, 2, -1]), date).tolist() == [20, 40, 1, 1]


def test_dates_before_1970_and_no_date_have_no_product():
    assert ratios().until(np.array([0, 0]), np.array(["1929-10-29", "NaT"], dtype=DAY)).tolist() == [1, 1]


def test_a_ledger_may_be_empty():
    empty = Ratios(np.zeros(0, np.int64), np.zeros(0, DAY), np.zeros(0))
    assert empty.until(np.array([0]), np.array(["2024-01-02"], dtype=DAY)).tolist() == [1]
    assert empty.symbols.tolist() == []
