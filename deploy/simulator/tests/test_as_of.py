import numpy as np
import pytest

from market_simulator.as_of import history_as_of, later_ratio
from market_simulator.market import Dividend, Listing, Series, Split


def series(**changes) -> Series:
    """Six sessions from index 2 on, traded at 120 before a 3:2 split on 4 and a 2:1 split on 6, so 40 finally."""
    final = np.full(6, 40.0)
    fields = {
        "listing": Listing("AAA", "Aaa Inc.", "EQUITY", "Energy", "Oil"),
        "session": np.arange(2, 8),
        "open": final,
        "high": final + 1,
        "low": final - 1,
        "close": final,
        "volume": np.full(6, 3001.0),
        "dividend_adjustment": np.array([0.90, 0.90, 0.95, 0.95, 1.0, 1.0]),
        "splits": (Split(4, 1.5), Split(6, 2.0)),
        "dividends": (Dividend(4, 0.5), Dividend(6, 0.25)),
    }
    return Series(**(fields | changes))


def test_prices_before_a_later_split_are_as_traded():
    history = history_as_of(series(), 3)
    assert history.close.tolist() == [120.0, 120.0]
    assert history.high.tolist() == [123.0, 123.0]


def test_prices_are_adjusted_from_the_ex_day_on():
    assert history_as_of(series(), 4).close.tolist() == [80.0, 80.0, 80.0]
    assert history_as_of(series(), 5).close.tolist() == [80.0] * 4
    assert history_as_of(series(), 6).close.tolist() == [40.0] * 5


def test_nothing_later_than_the_session_is_known():
    history = history_as_of(series(), 5)
    assert history.session.tolist() == [2, 3, 4, 5]
    assert history.splits == (Split(4, 1.5),)
    assert [dividend.session for dividend in history.dividends] == [4]


def test_dividends_are_on_the_basis_of_the_prices():
    assert history_as_of(series(), 5).dividends == (Dividend(4, 1.0),)
    assert history_as_of(series(), 7).dividends == (Dividend(4, 0.5), Dividend(6, 0.25))


def test_volume_moves_against_price_and_stays_whole():
    assert history_as_of(series(), 3).volume.tolist() == [1000, 1000]
    assert history_as_of(series(), 7).volume.tolist() == [3001] * 6


def test_the_latest_adjusted_close_is_the_close():
    history = history_as_of(series(), 5)
    assert history.adj_close[-1] == history.close[-1]
    assert history.adj_close[0] == pytest.approx(80.0 * 0.90 / 0.95)


def test_total_return_is_the_same_as_of_every_session():
    earlier, later = history_as_of(series(), 5), history_as_of(series(), 7)
    assert [(h.close[2] + h.dividends[0].amount) / h.close[1] for h in (earlier, later)] == [1.0125, 1.0125]


def test_a_symbol_is_unknown_before_its_first_bar_and_from_its_delisting_on():
    listed_later = series(delisted=7)
    assert history_as_of(listed_later, 1) is None
    assert history_as_of(listed_later, 6) is not None
    assert history_as_of(listed_later, 7) is None


def test_a_gap_leaves_the_last_bar_the_latest():
    gapped = series(session=np.array([2, 3, 4, 6, 7, 9]))
    assert history_as_of(gapped, 5).session.tolist() == [2, 3, 4]


def test_later_ratio_without_splits_is_one():
    assert later_ratio((), 3) == 1.0
