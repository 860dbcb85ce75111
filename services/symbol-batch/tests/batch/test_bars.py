"""As-traded bars and their comparison with what is stored."""

from datetime import date, timedelta

import numpy as np
import pytest

from symbol_batch.actions import CorporateAction
from symbol_batch.bars import StoredSeries, TradedBars, detached_splits, differences, other_series, traded_history
from symbol_batch.providers.provider import ProviderBars

DAYS = [date(2025, 7, day) for day in (1, 2, 3, 7, 8, 9)]
LAST = DAYS[-1]


def answer(closes, days=DAYS, **events) -> ProviderBars:
    values = np.array(closes, dtype=float)
    return ProviderBars(
        np.array(days, "datetime64[D]"),
        values,
        values * 1.01,
        values * 0.99,
        values,
        np.full(len(values), 1000.0),
        **events,
    )


def stored(closes, days=DAYS, actions=(), source="yahoo") -> StoredSeries:
    values = np.array(closes, dtype=float)
    ledger = {(action.ex_date, action.kind): action for action in actions}
    bars = TradedBars(np.array(days, "datetime64[D]"), values, values, values, values, values)
    return StoredSeries(bars, (source,) * len(values), ledger, dict.fromkeys(ledger, source))


def test_a_split_is_undone_before_its_ex_date_only_and_volume_the_other_way() -> None:
    history = traded_history("X", answer([10.0] * 6, ratios=((DAYS[3], 2.0),)), DAYS, LAST)
    assert history.bars.close.tolist() == [20.0] * 3 + [10.0] * 3
    assert history.bars.volume.tolist() == [500.0] * 3 + [1000.0] * 3
    assert [(action.kind, action.ratio) for action in history.actions] == [("split", 2.0)]


def test_a_split_after_the_wanted_session_is_undone_and_not_yet_recorded() -> None:
    history = traded_history("X", answer([10.0] * 6, ratios=((LAST, 2.0),)), DAYS, DAYS[-2])
    assert history.bars.close.tolist() == [20.0] * 5
    assert history.actions == ()


def test_a_dividend_on_the_day_of_a_split_is_per_share_before_it() -> None:
    events = {"ratios": ((DAYS[3], 2.0),), "dividends": ((DAYS[3], 0.5), (DAYS[4], 0.5))}
    history = traded_history("X", answer([10.0] * 6, **events), DAYS, LAST)
    paid = {action.ex_date: action.amount for action in history.actions if action.kind == "dividend"}
    assert paid == {DAYS[3]: 1.0, DAYS[4]: 0.5}


@pytest.mark.parametrize(
    ("closes", "days", "left_out"),
    [
        ([1, 2, 0, 4, 5, 6], DAYS, {DAYS[2]: "a close of 0.0"}),
        ([1, 2, -3, 4, 5, 6], DAYS, {DAYS[2]: "a close of -3.0"}),
        ([1, 2, 3, 4, 5, 6], [*DAYS[:3], date(2025, 7, 4), *DAYS[4:]], {date(2025, 7, 4): "no session"}),
        ([1, 2, 3, 4, 5, 6], [*DAYS[:2], DAYS[1], *DAYS[3:]], {DAYS[1]: "twice"}),
        ([1, 2, np.nan, 4, 5, 6], DAYS, {}),
    ],
)
def test_a_bar_that_cannot_be_is_left_out_with_its_reason_and_the_others_stay(closes, days, left_out) -> None:
    history = traded_history("X", answer(closes, days), DAYS, LAST)
    assert history.left_out.keys() == left_out.keys()
    assert all(reason in history.left_out[day] for day, reason in left_out.items())
    assert len(history.bars.days) < 6
    assert LAST in history.bars.days.tolist()


def test_an_infinite_close_is_no_close() -> None:
    assert LAST not in traded_history("X", answer([1, 2, 3, 4, 5, np.inf]), DAYS, LAST).bars.days.tolist()


def test_an_impossible_ratio_makes_the_whole_answer_unusable() -> None:
    with pytest.raises(ValueError, match="ratio"):
        traded_history("X", answer([1.0] * 6, ratios=((DAYS[2], -2.0),)), DAYS, LAST)


def test_a_negative_dividend_is_left_out() -> None:
    history = traded_history("X", answer([1.0] * 6, dividends=((DAYS[2], -2.0),)), DAYS, LAST)
    assert history.actions == ()
    assert "dividend" in history.left_out[DAYS[2]]


def test_nothing_after_the_wanted_session_is_taken() -> None:
    history = traded_history("X", answer([1.0] * 6, dividends=((LAST, 1.0),)), DAYS, DAYS[2])
    assert history.bars.days.tolist() == DAYS[:3]
    assert history.actions == ()


def test_differences_tell_changed_from_absent_and_ignore_rounding() -> None:
    history = traded_history("X", answer([1.0, 1.00005, 1.001, 4, 5, 6]), DAYS, LAST)
    found = differences(stored([1.0, 1.0, 1.0, 4], DAYS[:4]), history, "yahoo")
    assert found.changed.tolist() == [False, False, True, False, False, False]
    assert found.absent.tolist() == [False] * 4 + [True] * 2


def test_actions_that_appear_change_or_vanish_are_told() -> None:
    events = {"dividends": ((DAYS[1], 0.5), (DAYS[2], 0.7))}
    history = traded_history("X", answer([1.0] * 6, **events), DAYS, LAST)
    same = CorporateAction("X", DAYS[1], "dividend", amount=0.50004)
    other = CorporateAction("X", DAYS[2], "dividend", amount=0.6)
    gone = CorporateAction("X", DAYS[3], "split", ratio=2.0)
    before = CorporateAction("X", DAYS[0] - timedelta(days=9), "split", ratio=2.0)
    found = differences(stored([1.0] * 6, actions=[same, other, gone, before]), history, "yahoo")
    assert [(action.ex_date, action.amount) for action in found.actions] == [(DAYS[2], 0.7)]
    assert found.vanished == (gone,)


def test_prices_as_traded_are_left_as_they_are_and_so_are_their_dividends() -> None:
    events = {"ratios": ((DAYS[3], 2.0),), "dividends": ((DAYS[1], 0.5),)}
    history = traded_history("X", answer([20.0] * 3 + [10.0] * 3, basis="as_traded", **events), DAYS, LAST)
    assert history.bars.close.tolist() == [20.0] * 3 + [10.0] * 3
    assert {action.kind: action.ratio or action.amount for action in history.actions} == {"split": 2.0, "dividend": 0.5}


def test_another_source_corrects_nothing_and_differs_only_beyond_a_tenth_of_a_percent() -> None:
    history = traded_history("X", answer([1.0, 1.0009, 1.002, 1.0, 1.0, 1.0]), DAYS, LAST)
    found = differences(stored([1.0] * 6), history, "bulk")
    assert not found.changed.any()
    assert found.disputed.tolist() == [False, False, True, False, False, False]


def test_another_source_neither_rewrites_nor_takes_back_a_line_of_the_ledger() -> None:
    history = traded_history("X", answer([1.0] * 6, dividends=((DAYS[1], 0.6), (DAYS[4], 0.2))), DAYS, LAST)
    ledger = [CorporateAction("X", DAYS[1], "dividend", amount=0.5), CorporateAction("X", DAYS[3], "split", ratio=2.0)]
    found = differences(stored([1.0] * 6, actions=ledger), history, "bulk")
    assert [action.ex_date for action in found.actions] == [DAYS[4]]
    assert found.vanished == ()


@pytest.mark.parametrize(
    ("closes", "says"),
    [
        ([1.0, 1.1, 1.0, 1.0, 1.1, 1.0], None),
        ([2.0] * 6, None),
        ([1.3, 0.7, 2.0, 1.0, 1.0, 1.0], "not by one ratio"),
    ],
)
def test_three_changed_closes_are_another_series_unless_one_ratio_explains_them(closes, says) -> None:
    history, before = traded_history("X", answer(closes), DAYS, LAST), stored([1.0] * 6)
    found = other_series(history, before, differences(before, history, "yahoo").changed)
    assert found is None if says is None else says in (found or "")


def test_a_whole_history_times_one_ratio_is_a_split_that_is_adjusted_and_not_listed() -> None:
    history, before = traded_history("X", answer([0.5] * 6), DAYS, LAST), stored([1.0] * 5, DAYS[:5])
    assert "times 0.5" in (detached_splits(history, before, differences(before, history, "yahoo")) or "")


def test_one_corrected_bar_of_a_short_history_is_a_correction() -> None:
    history, before = traded_history("X", answer([1.1] * 6), DAYS, LAST), stored([1.0], DAYS[:1])
    assert detached_splits(history, before, differences(before, history, "yahoo")) is None


def test_a_split_that_appears_with_its_prices_is_a_correction() -> None:
    """Before it was listed the closes before it were taken for as traded."""
    history = traded_history("X", answer([10.0] * 6, ratios=((DAYS[3], 2.0),)), DAYS, LAST)
    before = stored([10.0] * 6)
    found = differences(before, history, "yahoo")
    assert found.changed.tolist() == [True] * 3 + [False] * 3
    assert detached_splits(history, before, found) is None


def test_a_split_that_vanishes_while_prices_stay_adjusted_for_it_is_bad_data() -> None:
    split = CorporateAction("X", DAYS[3], "split", ratio=2.0)
    before = stored([20.0] * 3 + [10.0] * 3, actions=[split])
    history = traded_history("X", answer([10.0] * 6), DAYS, LAST)
    found = differences(before, history, "yahoo")
    assert "still adjusted for" in (detached_splits(history, before, found) or "")
