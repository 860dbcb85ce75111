"""Each rule on a symbol's own bars, on both sides of its threshold."""

from dataclasses import replace

import numpy as np
import pytest

from symbol_batch.quality.alone import Alone, judge_alone
from symbol_batch.quality.habits import dividends_in_usual_ones
from symbol_batch.quality.panel import BarPanel
from symbol_batch.quality.rules import Rule


def bars(closes, **figures) -> BarPanel:
    """One symbol: every bar 1 % wide around its close, volumes all different, nothing going ex."""
    close = np.array(closes, dtype=float)[:, None]
    panel = BarPanel(
        open=close,
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        volume=np.where(np.isfinite(close), 1000.0 + np.arange(len(close))[:, None], np.nan),
        ratios=np.ones(close.shape),
        dividends=np.zeros(close.shape),
    )
    return replace(panel, **{name: np.array(values, dtype=float)[:, None] for name, values in figures.items()})


def rows(found: Alone, rule: Rule) -> list[int]:
    return np.flatnonzero(found.flagged[rule][:, 0]).tolist()


@pytest.mark.parametrize(("close", "flagged"), [(140.0, []), (140.1, [1]), (60.0, []), (59.9, [1])])
def test_a_close_that_jumps_beyond_forty_percent_is_suspicious(close: float, flagged: list[int]) -> None:
    assert rows(judge_alone(bars([100, close])), Rule.JUMP) == flagged


def test_a_listed_split_that_fits_is_no_jump_and_one_that_does_not_is() -> None:
    assert rows(judge_alone(bars([100, 50], ratios=[1, 2])), Rule.JUMP) == []
    assert rows(judge_alone(bars([100, 100], ratios=[1, 2])), Rule.JUMP) == [1]
    assert rows(judge_alone(bars([100, 50])), Rule.JUMP) == [1]


def test_a_dividend_counts_into_the_jump() -> None:
    assert rows(judge_alone(bars([100, 55], dividends=[0, 44])), Rule.JUMP) == []
    assert rows(judge_alone(bars([100, 100], dividends=[0, 44])), Rule.JUMP) == [1]


def test_a_wrong_bar_is_flagged_and_the_way_back_from_it_is_not() -> None:
    assert rows(judge_alone(bars([100, 101, 10_200, 102, 103])), Rule.JUMP) == [2]


def test_several_wrong_bars_in_a_row_are_all_flagged_when_the_price_comes_back() -> None:
    found = judge_alone(bars([100, 10_000, 10_100, 10_050, 101, 102]))
    assert rows(found, Rule.JUMP) == [1, 2, 3]


def test_two_different_wrong_bars_in_a_row_are_both_flagged() -> None:
    assert rows(judge_alone(bars([100, 10_000, 1, 101, 102])), Rule.JUMP) == [1, 2]


def test_a_level_that_stays_is_one_suspicious_bar() -> None:
    assert rows(judge_alone(bars([100, 101, 50, 50.5, 51, 50, 50.2, 50.1, 50.3])), Rule.JUMP) == [2]


def test_a_way_back_after_more_than_five_bars_is_a_jump_of_its_own() -> None:
    five, six = [50, 51, 50, 51, 50], [50, 51, 50, 51, 50, 51]
    assert rows(judge_alone(bars([100, *five, 100])), Rule.JUMP) == [1, 2, 3, 4, 5]
    assert rows(judge_alone(bars([100, *six, 100])), Rule.JUMP) == [1, 7]


def test_bars_missing_within_a_spike_are_not_counted_and_not_flagged() -> None:
    gap = np.nan
    assert rows(judge_alone(bars([100, 50, gap, 51, gap, gap, 100])), Rule.JUMP) == [1, 3]


def test_a_jump_behind_a_gap_is_seen() -> None:
    found = judge_alone(bars([100, np.nan, np.nan, 10_000]))
    assert rows(found, Rule.JUMP) == [3]
    assert found.previous[3, 0] == 0


def test_a_split_within_a_gap_explains_the_price_behind_it() -> None:
    assert rows(judge_alone(bars([100, np.nan, 50], ratios=[1, 2, 1])), Rule.JUMP) == []


def test_the_bar_of_yesterday_again_is_suspicious_and_one_other_figure_clears_it() -> None:
    same = bars([100, 100, 100], volume=[7, 7, 7])
    assert rows(judge_alone(same), Rule.REPEATED) == [1, 2]
    for figure in ("open", "high", "low", "volume"):
        other = getattr(same, figure).copy()
        other[1] *= 1.001
        assert rows(judge_alone(replace(same, **{figure: other})), Rule.REPEATED) == []


def test_a_figure_that_is_not_known_repeats_nothing() -> None:
    assert rows(judge_alone(bars([100, 100], volume=[np.nan, np.nan])), Rule.REPEATED) == []


def test_an_unchanged_close_without_volume_is_frozen_and_with_one_share_is_not() -> None:
    assert rows(judge_alone(bars([100, 100], volume=[5, 0])), Rule.FROZEN) == [1]
    assert rows(judge_alone(bars([100, 100], volume=[5, 1])), Rule.FROZEN) == []
    assert rows(judge_alone(bars([100, 100.01], volume=[5, 0])), Rule.FROZEN) == []


def test_a_bar_is_repeated_or_frozen_and_not_both() -> None:
    found = judge_alone(bars([100, 100, 100], volume=[5, 0, 0], high=[101, 102, 102], low=[99, 98, 98]))
    assert (rows(found, Rule.FROZEN), rows(found, Rule.REPEATED)) == ([1], [2])


@pytest.mark.parametrize(
    ("figures", "rule"),
    [
        ({"high": [100.0]}, None),
        ({"high": [99.6]}, Rule.LOOSE_ENCLOSURE),
        ({"high": [99.4]}, Rule.ENCLOSURE),
        ({"low": [100.4]}, Rule.LOOSE_ENCLOSURE),
        ({"low": [100.6]}, Rule.ENCLOSURE),
        ({"open": [101.4]}, Rule.LOOSE_ENCLOSURE),
        ({"open": [101.6]}, Rule.ENCLOSURE),
        ({"open": [98.6]}, Rule.LOOSE_ENCLOSURE),
        ({"open": [98.4]}, Rule.ENCLOSURE),
        ({"open": [0.0]}, Rule.ENCLOSURE),
        ({"low": [0.0]}, Rule.ENCLOSURE),
        ({"high": [-1.0]}, Rule.ENCLOSURE),
        ({"open": [np.nan], "high": [np.nan], "low": [np.nan]}, None),
        ({"high": [100 * (1 - 1e-8)]}, None),
    ],
)
def test_open_and_close_lie_within_low_and_high(figures, rule) -> None:
    found = judge_alone(bars([100], **figures))
    assert [name for name, mask in found.flagged.items() if mask.any()] == ([rule] if rule else [])


def test_a_loose_enclosure_only_warns() -> None:
    assert not judge_alone(bars([100], high=[99.6])).held.any()
    assert judge_alone(bars([100], high=[99.4])).held.all()


def payer(amount: float, last_return: float, *, ratio: float = 1.0, paid: int = 4, length: int = 120) -> BarPanel:
    """Returns of ±1 %, `paid` dividends of 1 and then one of `amount` in the last bar, which returns `last_return`."""
    returns = np.where(np.arange(length) % 2, 0.01, -0.01)
    dividends, ratios = np.zeros(length), np.ones(length)
    dividends[[20, 40, 60, 80][:paid]] = 1.0
    dividends[-1], returns[-1], ratios[-1] = amount, last_return, ratio
    close = np.empty(length)
    close[0] = 100.0
    for row in range(1, length):
        close[row] = (close[row - 1] * (1 + returns[row]) - dividends[row]) / ratios[row]
    return bars(close, dividends=dividends, ratios=ratios)


@pytest.mark.parametrize(
    ("amount", "last_return", "flagged"),
    [(3.1, 0.046, True), (2.9, 0.046, False), (3.1, 0.044, False), (10.0, 0.09, True), (10.0, -0.09, False)],
)
def test_a_dividend_far_beyond_the_usual_is_suspicious_when_the_price_does_not_fall(
    amount: float, last_return: float, flagged: bool
) -> None:
    assert rows(judge_alone(payer(amount, last_return)), Rule.DIVIDEND) == ([119] if flagged else [])


def test_the_usual_dividend_is_per_share_of_the_same_size() -> None:
    assert rows(judge_alone(payer(10.0, 0.09, ratio=2.0)), Rule.DIVIDEND) == [119]
    before_the_split = payer(10.0, 0.09)
    ratios = before_the_split.ratios.copy()
    ratios[100] = 0.1  # ten old shares in one: a dividend ten times as large is the usual one
    closes = before_the_split.close.copy()
    closes[100:] *= 10
    closes[-1] = closes[-2] * 1.09 - 10.0
    merged = replace(before_the_split, ratios=ratios, close=closes)
    assert rows(judge_alone(merged), Rule.DIVIDEND) == []


def test_a_dividend_on_the_day_of_a_split_is_per_share_before_it() -> None:
    assert rows(judge_alone(payer(2.0, 0.09, ratio=2.0)), Rule.DIVIDEND) == []
    assert rows(judge_alone(payer(3.1, 0.09, ratio=2.0)), Rule.DIVIDEND) == [119]


def test_the_usual_dividend_is_the_median_of_the_last_four() -> None:
    dividends = np.array([9.0, 1.0, 1.0, 0.0, 5.0, 5.0, 10.0])[:, None]
    times = dividends_in_usual_ones(np.ones(dividends.shape), dividends)[:, 0]
    np.testing.assert_allclose(times, [np.nan, np.nan, 1 / 5, np.nan, 5 / 1, 5 / 3, 10 / 3])
    since = dividends_in_usual_ones(np.ones(dividends.shape), dividends, since=5)[:, 0]
    np.testing.assert_array_equal(since, times[5:])


def test_with_fewer_than_two_dividends_before_it_nothing_is_usual() -> None:
    assert rows(judge_alone(payer(10.0, 0.09, paid=2)), Rule.DIVIDEND) == [119]
    assert rows(judge_alone(payer(10.0, 0.09, paid=1)), Rule.DIVIDEND) == []


@pytest.mark.parametrize(("calm", "flagged"), [(63, [239]), (25, [])])
def test_a_symbols_habits_are_those_of_its_last_63_returns(calm: int, flagged: list[int]) -> None:
    """Moves of a third every day until the last `calm` returns before the dividend."""
    panel = payer(10.0, 0.09, length=240)
    close = panel.close.copy()
    close[1 : 239 - calm : 2] *= 1.3
    assert rows(judge_alone(replace(panel, open=close, high=close, low=close, close=close)), Rule.DIVIDEND) == flagged


def test_with_fewer_than_21_returns_no_dividend_is_judged() -> None:
    panel = payer(10.0, 0.09)
    for length, flagged in ((23, [22]), (22, [])):
        last = {name: getattr(panel, name)[-length:].copy() for name in ("open", "high", "low", "close", "volume")}
        dividends = np.zeros((length, 1))
        dividends[[1, 2, -1]] = [[1.0], [1.0], [10.0]]
        short = BarPanel(**last, ratios=np.ones((length, 1)), dividends=dividends)
        assert rows(judge_alone(short), Rule.DIVIDEND) == flagged


@pytest.mark.parametrize("close", [0.0, -1.0, np.inf])
def test_a_close_that_is_no_price_is_refused_and_not_judged(close: float) -> None:
    with pytest.raises(ValueError, match="close"):
        bars([100, close])


def test_arrays_of_unequal_shape_and_impossible_actions_are_refused() -> None:
    with pytest.raises(ValueError, match="one panel"):
        bars([100, 101], volume=[1.0])
    with pytest.raises(ValueError, match="ratio"):
        bars([100, 101], ratios=[1.0, 0.0])
    with pytest.raises(ValueError, match="dividend"):
        bars([100, 101], dividends=[0.0, -1.0])


def test_no_symbols_are_no_findings() -> None:
    empty = np.empty((3, 0))
    assert judge_alone(BarPanel(*[empty] * 7)).any_rule.shape == (3, 0)
