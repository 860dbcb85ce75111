"""Answers in this process's memory: the quickest layer, bounded in bytes."""

from collections import defaultdict
from uuid import UUID

from cachetools import LRUCache

from analytics.cache.answer import Answer, Key
from analytics.metrics import PROCESS_CACHE_BYTES

_OVERHEAD = 1_100
"""Bytes that an answer takes beside its data: objects, key and index, measured as 1,006 on CPython 3.11."""


class ProcessCache:
    """The least recently used answers go first. Keys name valuations, so that nothing in here can become wrong."""

    def __init__(self, max_bytes: int) -> None:
        self._answers = _IndexedAnswers(max_bytes)

    def get(self, key: Key) -> Answer | None:
        return self._answers.get(key)

    def put(self, answer: Answer) -> None:
        """Keep the answer, unless it alone is larger than the whole cache."""
        if _size(answer) <= self._answers.maxsize:
            self._answers[answer.key] = answer
            PROCESS_CACHE_BYTES.set(self._answers.currsize)

    def drop_older(self, portfolio: UUID, valuation: int) -> list[Key]:
        """Forget the portfolio's answers of earlier valuations; returns their keys."""
        older = [key for key in self._answers.of(portfolio) if key.valuation < valuation]
        for key in older:
            del self._answers[key]
        PROCESS_CACHE_BYTES.set(self._answers.currsize)
        return older

    def __len__(self) -> int:
        return len(self._answers)


class _IndexedAnswers(LRUCache[Key, Answer]):
    """Knows the keys of each portfolio, whichever way they come and go."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes, getsizeof=_size)
        self._by_portfolio: defaultdict[UUID, set[Key]] = defaultdict(set)

    def of(self, portfolio: UUID) -> tuple[Key, ...]:
        return tuple(self._by_portfolio.get(portfolio, ()))

    def __setitem__(self, key: Key, answer: Answer) -> None:
        super().__setitem__(key, answer)
        self._by_portfolio[key.portfolio].add(key)

    def __delitem__(self, key: Key) -> None:
        super().__delitem__(key)
        keys = self._by_portfolio[key.portfolio]
        keys.discard(key)
        if not keys:
            del self._by_portfolio[key.portfolio]


def _size(answer: Answer) -> int:
    return len(answer.data) + _OVERHEAD
