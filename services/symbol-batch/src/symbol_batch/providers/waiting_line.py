"""The line in which requests wait for their turn."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request; `turn` is done when it may go, or is sent away."""

    turn: "Future[int]" = field(default_factory=Future)
    """The epoch of the slot, once there is one."""
    since: float = field(default_factory=time.monotonic)


class WaitingLine:
    """The urgent first, the others in the order they came."""

    def __init__(self) -> None:
        self._urgent: deque[Waiting] = deque()
        self._ordinary: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._ordinary)

    def join(self, waiting: Waiting, *, is_urgent: bool) -> None:
        (self._urgent if is_urgent else self._ordinary).append(waiting)

    def give_turn(self, epoch: int) -> None:
        """To the first. There must be one."""
        (self._urgent or self._ordinary).popleft().turn.set_result(epoch)

    def send_away(self, why: Callable[[Waiting], Exception | None]) -> None:
        """Everybody for whom there is a reason; the others keep their places."""
        for line in (self._urgent, self._ordinary):
            for _ in range(len(line)):
                waiting = line.popleft()
                error = why(waiting)
                if error is None:
                    line.append(waiting)
                else:
                    waiting.turn.set_exception(error)
