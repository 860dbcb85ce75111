"""The one clock. Schedule and freshness use it; leases use the database's clock and timeouts the monotonic one."""

import os
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")

CLOCK_VARIABLE = "RISKSTREAM_CLOCK"


class Clock:
    """Gives the present instant, in UTC.

    With a `start`, the clock shows that instant when it is made and runs on at normal speed, so that a whole
    system can live through a night of the past.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError(f"{CLOCK_VARIABLE}={start.isoformat()} has no time zone; write 2024-12-13T21:00:00-05:00")
        self._origin = None if start is None else (start.astimezone(UTC), time.monotonic())

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        if self._origin is None:
            return datetime.now(UTC)
        start, began = self._origin
        return start + timedelta(seconds=time.monotonic() - began)

    def today(self) -> date:
        """The calendar date in New York, where sessions live."""
        return self.now().astimezone(NEW_YORK).date()


def clock_from_environment() -> Clock:
    """The process's clock: `RISKSTREAM_CLOCK=<instant with zone>` starts it there, otherwise it is the real one."""
    text = os.environ.get(CLOCK_VARIABLE, "").strip()
    if not text:
        return Clock()
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{CLOCK_VARIABLE}={text!r} is not an instant; write 2024-12-13T21:00:00-05:00") from error
    return Clock(start)
