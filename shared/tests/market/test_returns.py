"""Total returns and the index they compound to."""

import numpy as np
import pytest

from riskstream.market.returns import total_return_index, total_returns


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_return_is_price_change_plus_dividend_over_the_previous_close() -> None:
    returns = total_returns(column(100.0, 102.0, 101.0), dividends=column(0.0, 0.0, 1.5))
    np.testing.assert_allclose(returns, column(np.nan, 0.02, 102.5 / 102 - 1), rtol=1e-14)


def test_a_split_is_no_loss_and_its_dividend_is_per_old_share() -> None:
    returns = total_returns(column(100.0, 51.0), column(1.0, 2.0), column(0.0, 1.0))
    assert returns[1, 0] == pytest.approx((2 * 51 + 1) / 100 - 1, rel=1e-14)


def test_a_missing_close_makes_both_adjoining_returns_missing() -> None:
    returns = total_returns(column(100.0, 101.0, np.nan, 103.0, 104.0))
    np.testing.assert_array_equal(np.isnan(returns[:, 0]), [True, False, True, True, False])


def test_an_action_on_a_missing_session_leaves_the_returns_missing() -> None:
    returns = total_returns(column(100.0, np.nan, 51.0), column(1.0, 2.0, 1.0), column(0.0, 1.0, 0.0))
    assert np.isnan(returns).all()


def test_the_index_compounds_the_returns_where_there_are_no_gaps() -> None:
    random = np.random.default_rng(3)
    closes = 50 * np.exp(np.cumsum(random.normal(0, 0.02, (300, 5)), axis=0))
    ratios = np.where(random.random(closes.shape) < 0.01, 2.0, 1.0)
    dividends = np.where(random.random(closes.shape) < 0.02, 0.4, 0.0)
    index = total_return_index(closes, ratios, dividends)
    compounded = np.cumprod(1 + total_returns(closes, ratios, dividends)[1:], axis=0)
    np.testing.assert_allclose(index[1:], compounded, rtol=1e-12)


def test_the_index_applies_the_ledger_across_a_gap() -> None:
    index = total_return_index(
        column(np.nan, 100.0, np.nan, np.nan, 52.0),
        column(1.0, 1.0, 2.0, 1.0, 1.0),
        column(0.0, 0.0, 1.0, 0.5, 0.0),
    )
    # one share became two; it earned 1.0 before the split and 0.5 on each of the two after it
    np.testing.assert_allclose(index, column(np.nan, 1.0, np.nan, np.nan, (2 * 52 + 1 + 2 * 0.5) / 100), rtol=1e-15)


def test_a_dividend_before_the_first_close_is_nobodys() -> None:
    index = total_return_index(column(np.nan, 100.0, 110.0), dividends=column(5.0, 5.0, 0.0))
    np.testing.assert_allclose(index, column(np.nan, 1.0, 1.1), rtol=1e-15)


@pytest.mark.parametrize(
    ("closes", "ratios", "dividends", "message"),
    [
        ([1.0, 0.0], [1.0, 1.0], [0.0, 0.0], "close 0.0 at row 1"),
        ([1.0, -3.0], [1.0, 1.0], [0.0, 0.0], "close -3.0 at row 1"),
        ([1.0, np.inf], [1.0, 1.0], [0.0, 0.0], "close inf at row 1"),
        ([1.0, 1.0], [1.0, 0.0], [0.0, 0.0], "ratio 0.0 at row 1"),
        ([1.0, 1.0], [np.nan, 1.0], [0.0, 0.0], "ratio nan at row 0"),
        ([1.0, 1.0], [1.0, 1.0], [0.0, -1.0], "dividend -1.0 at row 1"),
        ([1.0, 1.0], [1.0, 1.0], [0.0, np.nan], "dividend nan at row 1"),
        ([1.0, 1.0], [1.0], [0.0, 0.0], "must all be one panel"),
    ],
)
def test_what_no_price_or_action_can_be_is_refused(
    closes: list[float], ratios: list[float], dividends: list[float], message: str
) -> None:
    for function in (total_returns, total_return_index):
        with pytest.raises(ValueError, match=message):
            function(column(*closes), column(*ratios), column(*dividends))
