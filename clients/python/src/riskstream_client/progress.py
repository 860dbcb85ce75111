"""How far a portfolio is."""

from collections.abc import Iterator
from typing import TypeAlias

from riskstream_client.connection import Connection, Id
from riskstream_client.editing import portfolio_path
from riskstream_client.onboarding_models import Deleted, PortfolioStatus
from riskstream_client.streams import Interrupted, updates

ProgressUpdate: TypeAlias = PortfolioStatus | Deleted | Interrupted

UPDATES: dict[str, type[ProgressUpdate]] = {
    "status": PortfolioStatus,
    "end": PortfolioStatus,
    "deleted": Deleted,
    "interrupted": Interrupted,
}
"""The events of the stream, by their names."""


class Progress(Connection):
    """Asked for, or followed."""

    def read_status(self, portfolio: Id) -> PortfolioStatus:
        """How far it is: `pending`, `ready` or `error`, and what it waits for."""
        return self._ask("GET", f"{portfolio_path(portfolio)}/status", PortfolioStatus)

    def follow_progress(self, portfolio: Id) -> Iterator[ProgressUpdate]:
        """Its status at once, and whenever it has changed, until nothing is on its way any more.

        Ends with `Deleted` where somebody deleted it, and with `Interrupted` before its end: then follow again.
        """
        with self._listen(f"{portfolio_path(portfolio)}/progress", told=None) as events:
            yield from updates(events, UPDATES)
