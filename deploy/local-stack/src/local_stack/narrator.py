"""Says what is being done and how long it took, so that nobody waits before a silent screen."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

PIPED_WIDTH = 120


class Narrator:
    """Writes one line for each step: while it runs, a spinner; when it is done, a tick and the seconds."""

    def __init__(self, console: Console | None = None) -> None:
        # A file or a pipe has no width of its own; tables that were cut for it would have lost their numbers.
        self.console = console or Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/bold]")

    def say(self, text: str) -> None:
        self.console.print(text)

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """Time the block, which may say how far it is. An error leaves a cross instead of a tick, and goes on."""
        began = time.monotonic()
        try:
            with self.console.status(text) as status:
                yield lambda progress: status.update(f"{text}  [dim]{progress}[/dim]")
        except BaseException:
            self.console.print(f"  [red]✗[/red] {text}")
            raise
        self.console.print(f"  [green]✓[/green] {text}  [dim]{time.monotonic() - began:.1f} s[/dim]")
