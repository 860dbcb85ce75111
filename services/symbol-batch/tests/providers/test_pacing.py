"""Pace, breaker and limit, step by step and whatever the order of things."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_batch.providers.breaker import FAILURES, FIRST_OPEN, LONGEST_OPEN, PROBE_SECONDS, BreakerState
from symbol_batch.providers.limit import Heard, Limit, step
from symbol_batch.providers.pacing import (
    FASTEST,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    SLOWEST,
    Pace,
    after_answers,
    after_refusal,
    reserved,
)
from symbol_batch.providers.provider import Outcome


def test_slots_are_one_over_the_rate_apart_and_shared_by_all_who_reserve() -> None:
    pace, first = reserved(Pace(4.0), 3, now=100.0)
    pace, second = reserved(pace, 2, now=100.1)
    assert first == [100.0, 100.25, 100.5]
    assert second == [100.75, 101.0]


def test_time_in_which_nobody_asked_is_not_made_up_for() -> None:
    pace, _ = reserved(Pace(1.0), 1, now=100.0)
    _, slots = reserved(pace, 2, now=500.0)
    assert slots == [500.0, 501.0]


def test_a_refusal_stops_everybody_for_as_long_as_it_says_and_slows_the_rate() -> None:
    pace = after_answers(reserved(Pace(10.0), 10, now=100.0)[0], 10, now=101.0)
    pace = after_refusal(pace, now=101.0, retry_after=30.0)
    _, [slot] = reserved(pace, 1, now=101.5)
    assert slot == 131.0
    assert pace.refused_rate == pytest.approx(10.0)
    assert pace.rate == pytest.approx(7.0)


def test_pauses_grow_while_nothing_is_answered_and_the_rate_stays() -> None:
    pace, now, pauses = Pace(8.0), 100.0, []
    for _ in range(12):
        pace = after_refusal(pace, now, None)
        pauses.append(pace.paused_until - now)
        now = pace.paused_until
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert pauses[-1] == LONGEST_PAUSE
    assert pace.rate == pytest.approx(4.0)
    assert after_refusal(after_answers(pace, 1, now), now, None).paused_until - now == 1


def test_what_was_really_sent_is_what_was_refused_not_what_was_never_used() -> None:
    pace = after_answers(reserved(Pace(FASTEST), 1, now=100.0)[0], 20, now=104.0)
    pace = after_refusal(pace, now=104.0, retry_after=None)
    assert pace.refused_rate == pytest.approx(5.0)
    assert pace.rate < 5.0


def test_an_unbelievable_retry_after_is_cut() -> None:
    assert after_refusal(Pace(1.0), 0.0, retry_after=1e12).paused_until == LONGEST_RETRY_AFTER


def answered(limit: Limit, count: int = 1) -> Heard:
    return Heard(limit.epoch, answered=count)


def refused(limit: Limit) -> Heard:
    return Heard(limit.epoch, refused=1)


def test_echoes_of_a_refusal_are_counted_and_change_nothing_else() -> None:
    limit, _ = step(Limit(Pace(50.0)), (), 10, now=100.0)
    after, _ = step(limit, [refused(limit)], 0, now=100.1)
    later, _ = step(after, [Heard(limit.epoch, answered=3, refused=6, lost=1)], 0, now=100.2)
    assert (later.answered, later.refused, later.lost) == (3, 7, 1)
    assert replace(later, answered=after.answered, refused=after.refused, lost=after.lost) == after


def test_an_echo_may_prolong_the_pause() -> None:
    limit = Limit(Pace(50.0))
    after, _ = step(limit, [refused(limit)], 0, now=100.0)
    later, _ = step(after, [Heard(limit.epoch, refused=1, retry_after=60.0)], 0, now=100.2)
    assert later.pace.paused_until == pytest.approx(160.2)
    assert later.pace.rate == after.pace.rate


def opened() -> Limit:
    limit, now = Limit(Pace(50.0)), 100.0
    for _ in range(FAILURES):
        limit, _ = step(limit, [refused(limit)], 0, now)
        now = limit.pace.paused_until
    return limit


def test_the_breaker_opens_after_refusals_in_a_row_and_nobody_gets_a_slot() -> None:
    limit = opened()
    assert limit.breaker.state is BreakerState.OPEN
    assert limit.last_failure is Outcome.RATE_LIMITED
    _, slots = step(limit, (), 5, limit.breaker.until - 0.01)
    assert slots == ()


def test_the_breaker_opens_after_lost_answers_in_a_row_but_not_with_an_answer_between() -> None:
    limit = Limit(Pace(50.0))
    for _ in range(FAILURES - 1):
        limit, _ = step(limit, [Heard(limit.epoch, lost=1)], 0, 100.0)
    spared, _ = step(limit, [answered(limit)], 0, 100.0)
    spared, _ = step(spared, [Heard(spared.epoch, lost=1)], 0, 100.0)
    assert spared.breaker.state is BreakerState.CLOSED
    limit, _ = step(limit, [Heard(limit.epoch, lost=1)], 0, 100.0)
    assert limit.breaker.state is BreakerState.OPEN
    assert limit.breaker.until == 100.0 + FIRST_OPEN
    assert limit.last_failure is Outcome.TRANSPORT


def test_half_open_lets_one_probe_go_and_its_answer_closes() -> None:
    limit = opened()
    now = limit.closed_until
    limit, probe = step(limit, (), 5, now)
    assert probe == (now,)
    assert step(limit, (), 5, now + 1)[1] == ()
    closed, slots = step(limit, [answered(limit)], 2, now + 1)
    assert closed.breaker.state is BreakerState.CLOSED
    assert len(slots) == 2


def test_an_answer_from_before_it_opened_does_not_close_it() -> None:
    before = Limit(Pace(50.0))
    limit, _ = step(opened(), [answered(before)], 0, 200.0)
    assert limit.breaker.state is BreakerState.OPEN


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound() -> None:
    limit, spans = opened(), []
    for _ in range(12):
        limit, probe = step(limit, (), 1, limit.closed_until)
        limit, _ = step(limit, [Heard(limit.epoch, lost=1)], 0, probe[0])
        spans.append(limit.breaker.until - probe[0])
    assert spans[:2] == [2 * FIRST_OPEN, 4 * FIRST_OPEN]
    assert spans[-1] == LONGEST_OPEN


def test_a_probe_that_died_with_its_process_is_replaced() -> None:
    limit = opened()
    limit, [sent] = step(limit, (), 1, limit.closed_until)
    assert step(limit, (), 1, sent + PROBE_SECONDS - 1)[1] == ()
    assert len(step(limit, (), 1, sent + PROBE_SECONDS)[1]) == 1


Events = st.lists(
    st.tuples(
        st.sampled_from(["answered", "refused", "lost", "echo", "slots"]),
        st.integers(1, 40),
        st.floats(0.0, 400.0),
        st.none() | st.floats(0.0, 1e6),
    ),
    max_size=80,
)


@given(Events)
def test_whatever_happens_rates_stay_in_bounds_and_no_slot_lies_in_a_pause(events) -> None:
    limit, now, last = Limit(Pace(FASTEST)), 1e9, 0.0
    for kind, count, seconds, retry_after in events:
        now += seconds
        if kind == "slots":
            epoch = limit.epoch
            limit, slots = step(limit, (), count, now)
            assert len(slots) in ({0, 1} if limit.is_open else {count})
            assert all(slot >= max(now, limit.pace.paused_until) for slot in slots)
            if limit.epoch == epoch and slots:
                assert slots[0] >= last
                last = slots[-1]
                assert all(b - a >= 0.99 / FASTEST for a, b in pairwise(slots))
        else:
            epoch = limit.epoch - (kind == "echo")
            heard = Heard(epoch, **{"refused" if kind == "echo" else kind: count}, retry_after=retry_after)
            limit, _ = step(limit, [heard], 0, now)
        if limit.epoch != epoch:
            last = 0.0
        pace = limit.pace
        assert SLOWEST <= pace.rate <= FASTEST
        assert pace.paused_until <= now + LONGEST_RETRY_AFTER
        assert pace.proven_rate is None or pace.rate >= pace.proven_rate
        assert pace.proven_rate is None or pace.refused_rate is None or pace.refused_rate >= pace.proven_rate
