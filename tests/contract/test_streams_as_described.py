"""What really comes over the streams, held against what the committed documents say of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jsonschema_rs
import pytest
from httpx_sse import EventSource, ServerSentEvent

from contract import standing
from contract.api_files import openapi_file
from contract.asked import Asked
from riskstream_client import Portfolios
from riskstream_client.onboarding_bodies import NewPosition

LIVE = "/api/v1/analytics/portfolio/{portfolio}/events"
PROGRESS = "/portfolios/{portfolio_id}/progress"


@contextmanager
def listening(asked: Asked, url: str) -> Iterator[Iterator[ServerSentEvent]]:
    """Events with names: the one without says how long to wait before coming back."""
    headers = {"Authorization": f"Bearer {asked.token()}"}
    with httpx.stream("GET", url, headers=headers, timeout=20, trust_env=False) as response:
        assert response.is_success
        yield (event for event in EventSource(response).iter_sse() if event.data)


def assert_described(service: str, path: str, event: ServerSentEvent) -> Any:
    """The event is what its name stands for in the document; its data."""
    document = json.loads(openapi_file(service).read_text())
    stream = document["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    envelope = {"$ref": stream["items"]["discriminator"]["mapping"][event.event]}
    fields = document["components"]["schemas"][envelope["$ref"].rsplit("/", 1)[-1]]["properties"]
    content = fields["data"]["contentSchema"]
    sent = {"event": event.event, "data": event.data, "id": event.id}
    data = json.loads(event.data)
    for schema, value in ((envelope, sent), (stream["items"], sent), (content, data)):
        jsonschema_rs.validate(schema | {"components": document["components"]}, value)
    return data


def test_live_updates_are_as_described(asked: Asked) -> None:
    with listening(asked, asked.analytics.url + LIVE.format(portfolio=standing.VALUED)) as events:
        told = [next(events) for _ in range(2)]
    refreshed, _ = (assert_described("analytics", LIVE, event) for event in told)
    assert [event.event for event in told] == ["refreshed", "status"]
    assert told[0].id == str(refreshed["valuation"])


def test_the_end_of_a_portfolio_is_told_as_described_by_both(asked: Asked, portfolios: Portfolios) -> None:
    lot = NewPosition(symbol="KO", quantity=1, entry_price=50, entry_date=standing.LAST)
    portfolio = portfolios.create_portfolio("Soon gone", [lot]).portfolio_id
    with (
        listening(asked, asked.analytics.url + LIVE.format(portfolio=portfolio)) as live,
        listening(asked, asked.onboarding.url + PROGRESS.format(portfolio_id=portfolio)) as progress,
    ):
        assert assert_described("analytics", LIVE, next(live))["pending"] is True
        assert assert_described("onboarding", PROGRESS, next(progress))["status"] == "pending"
        portfolios.delete_portfolio(portfolio, version=1)
        gone, deleted = next(live), next(progress)
    assert (gone.event, deleted.event) == ("gone", "deleted")
    assert assert_described("analytics", LIVE, gone) == {"portfolio": str(portfolio)}
    assert assert_described("onboarding", PROGRESS, deleted) == {"portfolio_id": str(portfolio)}


def test_an_event_that_is_not_as_described_is_found(asked: Asked) -> None:
    with pytest.raises(jsonschema_rs.ValidationError, match="valuation"):
        assert_described("analytics", LIVE, ServerSentEvent(event="refreshed", data='{"portfolio": "x"}', id="1"))
