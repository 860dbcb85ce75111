"""How long to wait before trying again."""

import random


class Backoff:
    """Exponential backoff with full jitter: uniform between nothing and `base`·2ⁿ, at most `cap` seconds.

    Full jitter spreads replicas that failed together: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, base: float = 0.2, cap: float = 30.0, source: random.Random | None = None) -> None:
        self._base = base
        self._cap = cap
        self._random = source or random.Random()  # noqa: S311 - jitter keeps no secret
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many times in a row it has failed."""
        return self._failures

    def next(self) -> float:
        """Count a failure and say how many seconds to wait."""
        ceiling = min(self._cap, self._base * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return self._random.uniform(0.0, ceiling)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0
