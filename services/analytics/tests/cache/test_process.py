"""The process's own cache: bounded, and ready to forget what a fold has made old."""

from datetime import UTC, date, datetime
from uuid import UUID

from analytics.cache.answer import Answer, Key
from analytics.cache.process import ProcessCache

A, B = UUID(int=1), UUID(int=2)


def _answer(portfolio: UUID, valuation: int, question: str = "overview:0", size: int = 100) -> Answer:
    return Answer(
        key=Key(portfolio, valuation, 1, question, "one"),
        portfolio_version=1,
        session=date(2024, 12, 16),
        run_id=UUID(int=9),
        coverage=1.0,
        computed_at=datetime(2024, 12, 16, tzinfo=UTC),
        data=b"x" * size,
    )


def test_older_valuations_of_one_portfolio_are_dropped_and_named() -> None:
    cache = ProcessCache(100_000)
    answers = [_answer(A, 1), _answer(A, 1, "other:0"), _answer(A, 2), _answer(B, 1)]
    for answer in answers:
        cache.put(answer)
    assert set(cache.drop_older(A, 2)) == {answers[0].key, answers[1].key}
    assert [cache.get(answer.key) for answer in answers] == [None, None, answers[2], answers[3]]
    assert cache.drop_older(A, 2) == []


def test_a_late_event_drops_nothing_newer() -> None:
    cache = ProcessCache(100_000)
    cache.put(newest := _answer(A, 5))
    assert cache.drop_older(A, 3) == []
    assert cache.get(newest.key) is newest


def test_the_least_recently_used_goes_when_the_bytes_are_full() -> None:
    cache = ProcessCache(3 * 2_100)
    kept, lost, other = (_answer(A, n, size=1_000) for n in (1, 2, 3))
    for answer in (kept, lost, other):
        cache.put(answer)
    cache.get(kept.key)
    cache.put(_answer(B, 1, size=1_000))
    assert cache.get(lost.key) is None
    assert cache.get(kept.key) is kept
    # What was evicted is not named again: the index follows.
    assert lost.key not in cache.drop_older(A, 9)


def test_an_answer_larger_than_the_cache_is_not_kept_and_pushes_nothing_out() -> None:
    cache = ProcessCache(3_000)
    cache.put(small := _answer(A, 1))
    cache.put(large := _answer(B, 1, size=10_000))
    assert (cache.get(large.key), cache.get(small.key)) == (None, small)


def test_putting_an_answer_again_counts_it_once() -> None:
    cache = ProcessCache(10_000)
    for _ in range(50):
        cache.put(_answer(A, 1))
    assert len(cache) == 1
