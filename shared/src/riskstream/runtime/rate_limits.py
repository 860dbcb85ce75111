"""How much one owner may ask of one process in a minute."""

import math
import time
from http import HTTPStatus

from riskstream.runtime.auth import Scope
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import RateSettings

WINDOW_SECONDS = 60.0
_ROUNDING = 1e-6


class Allowance:
    """So many requests a minute for each owner, all at once if they like, and then as they come back one by one.

    The generic cell rate algorithm (ITU-T I.371): per owner one instant, when the whole allowance will be there again.
    """

    def __init__(self, name: str, per_minute: int) -> None:
        """`per_minute` 0: without limit."""
        self.name = name
        self.per_minute = per_minute
        self._step = WINDOW_SECONDS / per_minute if per_minute else 0.0
        self._whole_at: dict[str, float] = {}
        self._tidied_at = time.monotonic()

    def take(self, owner: str) -> float:
        """Take one request of the owner's; 0.0, or where none is left the seconds until the next one is there."""
        if not self._step:
            return 0.0
        now = time.monotonic()
        whole_at = max(self._whole_at.get(owner, now), now) + self._step
        missing = whole_at - now - WINDOW_SECONDS
        if missing > _ROUNDING:
            return missing
        self._whole_at[owner] = whole_at
        if now - self._tidied_at > WINDOW_SECONDS:
            self._tidy(now)
        return 0.0

    def _tidy(self, now: float) -> None:
        """Forget owners whose whole allowance is there again."""
        self._whole_at = {owner: at for owner, at in self._whole_at.items() if at > now}
        self._tidied_at = now


class RateLimits:
    """The allowances of a process: one for what reads, one for what writes."""

    def __init__(self, settings: RateSettings) -> None:
        self._reads = Allowance("reads", settings.reads_per_minute)
        self._writes = Allowance("writes", settings.writes_per_minute)

    def count(self, owner: str, scope: Scope) -> None:
        """Count a request that needs `scope`. A `Problem` (429) says when there will be one again."""
        allowance = self._of(scope)
        missing = allowance.take(owner)
        if missing:
            raise _too_many(allowance, math.ceil(missing))

    def refusal(self, scope: Scope) -> Problem:
        """What somebody who has just taken the last request that needs `scope` would be told."""
        return _too_many(self._of(scope), 1)

    def _of(self, scope: Scope) -> Allowance:
        return self._writes if scope == "write" else self._reads


UNLIMITED = RateLimits(RateSettings(reads_per_minute=0, writes_per_minute=0))


def _too_many(allowance: Allowance, seconds: int) -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate_limited",
        f"You may send {allowance.per_minute:,} {allowance.name} a minute; the next one in {seconds} s.",
        headers={
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{allowance.name}";q={allowance.per_minute};w={WINDOW_SECONDS:.0f}',
            "RateLimit": f'"{allowance.name}";r=0;t={seconds}',
        },
    )
