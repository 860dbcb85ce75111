"""Work that is tried again and again, and what its failures come to in the log."""

import structlog

log = structlog.get_logger(__name__)


class Outage:
    """Tells of a failing piece of work once, with the traceback, and once more when it succeeds again.

    What is polled every few seconds would fill the log while its database is away. Another type of error within the
    same outage is told once too: it may be another fault.
    """

    def __init__(self, work: str) -> None:
        self._work = work
        self._failures = 0
        self._told: set[type[Exception]] = set()

    def failed(self, error: Exception) -> None:
        """An attempt raised `error`; there will be another one."""
        self._failures += 1
        if type(error) not in self._told:
            self._told.add(type(error))
            log.error("work fails; it is tried again until it succeeds", work=self._work, exc_info=error)

    def over(self) -> None:
        """An attempt succeeded."""
        if self._failures:
            log.info("work succeeds again", work=self._work, failures=self._failures)
            self._failures = 0
            self._told.clear()
