"""The same work asked for at the same time is done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Flights(Generic[K, T]):
    """Work under way, by key. It goes on when who asked has gone: others may be waiting for it."""

    def __init__(self) -> None:
        self._under_way: dict[K, asyncio.Task[T]] = {}

    async def join(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result, or the error, of the work under way for `key`, which is begun if there is none."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def __len__(self) -> int:
        return len(self._under_way)

    def _landed(self, key: K, task: asyncio.Task[T]) -> None:
        del self._under_way[key]
        # Every waiter may have gone; what went wrong was then nobody's to hear, and asyncio need not complain.
        if not task.cancelled():
            task.exception()
