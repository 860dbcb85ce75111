"""Progress of long work, on standard error: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_SECONDS = 5.0
"""Between two plain lines about the same thing."""


class Report(Protocol):
    """Says how far the work is: `done` of `total` (None: nobody knows), at `what`."""

    def __call__(self, done: int, total: int | None, what: str) -> None: ...


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """Show what is reported until the work ends. `what` is shown until the first report."""
    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None)

        def report(done: int, total: int | None, what: str) -> None:
            bars.update(task, completed=done, total=total, description=what)

        yield report


class _PlainLines:
    """A line when the work comes to something else, and every few seconds meanwhile."""

    def __init__(self) -> None:
        self._what = ""
        self._said_at = float("-inf")

    def __call__(self, done: int, total: int | None, what: str) -> None:
        now = time.monotonic()
        if what == self._what and now - self._said_at < PLAIN_SECONDS and done != total:
            return
        self._what, self._said_at = what, now
        sys.stderr.write(f"{what}: {done}{'' if total is None else f' of {total}'}\n")
