import numpy as np
import pytest

from market_simulator.as_of import history_as_of
from market_simulator.market import Listing, Split
from market_simulator.synthetic.events import Life
from market_simulator.synthetic.prices import series_of, tape

RETURNS = np.array([[0.0], [0.02], [-0.03], [0.01], [0.04], [-0.01]])
LISTING = Listing("AAA", "Aaa Inc.", "EQUITY", "Energy", "Oil")


def made(life: Life, begin: int = 0):
    noise = np.random.default_rng(1).standard_normal((len(RETURNS), 4))
    return series_of(LISTING, life, tape(RETURNS, [life], np.array([80.0])), noise, column=0, begin=begin)


def read_returns(series) -> np.ndarray:
    history = history_as_of(series, len(RETURNS) - 1)
    paid = np.zeros(len(RETURNS))
    for dividend in history.dividends:
        paid[dividend.session] = dividend.amount
    return (history.close[1:] + paid[1:]) / history.close[:-1] - 1


@pytest.mark.parametrize(
    "life",
    [
        Life(),
        Life(splits=(Split(3, 1.5),)),
        Life(dividend_yields={2: 0.01, 4: 0.02}),
        Life(splits=(Split(3, 0.1),), dividend_yields={3: 0.01}),
        Life(splits=(Split(2, 2.0), Split(4, 1.281)), dividend_yields={1: 0.01, 2: 0.01, 5: 0.03}),
    ],
    ids=["nothing", "a split", "dividends", "both on one day", "many of both"],
)
def test_what_is_read_returns_what_the_process_drew(life):
    np.testing.assert_allclose(read_returns(made(life)), RETURNS[1:, 0], atol=1e-14)


def test_prices_fall_by_the_split_and_the_dividend_as_traded():
    traded = tape(RETURNS, [Life(splits=(Split(1, 2.0),), dividend_yields={2: 0.05})], np.array([80.0]))
    assert traded.close[:3, 0] == pytest.approx([80.0, 40.8, 40.8 * 0.97 - 2.04])
    assert traded.dividend[2, 0] == 2.04


def test_the_adjusted_close_takes_the_dividend_off_the_close_before():
    series = made(Life(splits=(Split(4, 2.0),), dividend_yields={2: 0.05}))
    history = history_as_of(series, 5)
    (dividend,) = history.dividends
    before = history.close[1]
    assert history.adj_close[2:] == pytest.approx(history.close[2:])
    assert history.adj_close[:2] == pytest.approx(history.close[:2] * (1 - dividend.amount / before))


def test_a_day_opens_between_two_closes_as_a_rule():
    series = made(Life(splits=(Split(3, 2.0),)))
    assert np.all(series.open[1:] != series.close[1:])
    assert np.max(np.abs(np.log(series.open[1:] / series.close[:-1]))) < 0.06


def test_events_before_the_served_history_are_not_served():
    series = made(Life(splits=(Split(2, 2.0),), dividend_yields={1: 0.01, 5: 0.01}), begin=3)
    assert series.session.tolist() == [0, 1, 2]
    assert series.splits == ()
    assert [dividend.session for dividend in series.dividends] == [2]


def test_a_life_ends_with_the_delisting_and_skips_its_gaps():
    series = made(Life(gaps=frozenset({2}), first=1, delisted=5))
    assert series.session.tolist() == [1, 3, 4]
    assert series.delisted == 5
