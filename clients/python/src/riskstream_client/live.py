"""Live updates of a portfolio, as the stream tells them."""

from collections.abc import Iterator
from typing import TypeAlias

from riskstream_client.analytics_models import Gone, Refreshed, Status, Ticket, TicketRequest
from riskstream_client.connection import Connection, Id, path_part
from riskstream_client.streams import Interrupted, updates

Update: TypeAlias = Refreshed | Status | Gone | Interrupted

UPDATES: dict[str, type[Update]] = {
    "refreshed": Refreshed,
    "status": Status,
    "gone": Gone,
    "interrupted": Interrupted,
}
"""The events of the stream, by their names."""


class LiveUpdates(Connection):
    """The stream of a portfolio's updates, and tickets to it for browsers."""

    def live_updates(self, portfolio: Id, *, told: int | None = None) -> Iterator[Update]:
        """Updates as they come, until the service ends the stream; `told` is the valuation that was heard of last.

        The newest state comes at once. Raises ProblemReceived where the stream is refused, and httpx.TransportError
        where it is lost: ask again with the last valuation told.
        """
        path = f"/api/v1/analytics/portfolio/{path_part(portfolio)}/events"
        with self._listen(path, told=None if told is None else str(told)) as events:
            yield from updates(events, UPDATES)

    def sell_ticket(self, asked: TicketRequest) -> Ticket:
        """A ticket with which a browser opens the stream, once, within its time."""
        return self._ask("POST", "/api/v1/analytics/tickets", Ticket, body=asked)
