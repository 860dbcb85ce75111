"""The one clock. Schedule and freshness use it; leases use the database's clock and timeouts the monotonic one."""

import os
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from riskstream.runtime.configuration import ConfigurationError

NEW_YORK = ZoneInfo("America/New_York")

CLOCK_VARIABLE = "RISKSTREAM_CLOCK"
SET_AT_VARIABLE = "RISKSTREAM_CLOCK_SET_AT"


class Clock:
    """Gives the present instant, in UTC.

    With a `start`, the clock shows that instant when it is made and runs on at normal speed, so that a whole
    system can live through a night of the past. With `set_at`, a real instant, it showed `start` then: clocks that
    are made at different moments with the same two agree.
    """

    def __init__(self, start: datetime | None = None, set_at: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ConfigurationError(
                f"{CLOCK_VARIABLE}={start.isoformat()} has no time zone; write 2024-12-13T21:00:00-05:00"
            )
        if set_at is not None and set_at.tzinfo is None:
            raise ConfigurationError(
                f"{SET_AT_VARIABLE}={set_at.isoformat()} has no time zone; write 2026-11-22T14:00:00+00:00"
            )
        self._set_at = (set_at or datetime.now(UTC)).astimezone(UTC)
        self._start = None if start is None else start.astimezone(UTC)
        # From here on the monotonic clock counts: a correction of the machine's time does not move a given one.
        self._elapsed = datetime.now(UTC) - self._set_at
        self._began = time.monotonic()

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        if self._start is None:
            return datetime.now(UTC)
        return self._start + self._elapsed + timedelta(seconds=time.monotonic() - self._began)

    def today(self) -> date:
        """The calendar date in New York, where sessions live."""
        return self.now().astimezone(NEW_YORK).date()

    def environment(self) -> dict[str, str]:
        """The variables from which another process makes a clock that agrees with this one."""
        if self._start is None:
            return {}
        return {CLOCK_VARIABLE: self._start.isoformat(), SET_AT_VARIABLE: self._set_at.isoformat()}


def clock_from_environment() -> Clock:
    """The process's clock: `RISKSTREAM_CLOCK=<instant with zone>` starts it there, otherwise it is the real one.

    `RISKSTREAM_CLOCK_SET_AT=<real instant>` says when it showed that, so that the processes of a system agree.
    """
    return Clock(_instant(CLOCK_VARIABLE), _instant(SET_AT_VARIABLE))


def _instant(variable: str) -> datetime | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        example = "2024-12-13T21:00:00-05:00"
        raise ConfigurationError(f"{variable}={text!r} is not an instant; write {example}") from error
