"""Postgres away while streams are open: they end with a word about it, and never say `ready`."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import make_url

from riskstream.database.engine import create_engine

KNOWN = {"symbol": "AAPL", "quantity": "10", "entry_price": "150", "entry_date": "2024-05-01"}


class Wire:
    """A way to Postgres that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._writers: list[asyncio.StreamWriter] = []
        self.server: asyncio.Server

    async def open(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        return int(self.server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        self.server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self._host, self._port)
        self._writers += [writer, ours]
        await asyncio.gather(self._copy(reader, ours), self._copy(theirs, writer), return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


@pytest.fixture
async def wire(database) -> AsyncIterator[Wire]:
    url = make_url(database.dsns["onboarding"])
    wire = Wire(url.host or "127.0.0.1", url.port or 5432)
    yield wire
    wire.cut()


async def test_with_the_database_away_a_stream_ends_with_a_word_to_come_back_and_then_goes_on(
    serve, api, layer, database, wire
):
    port = await wire.open()
    dsn = make_url(database.dsns["onboarding"]).set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    engine = create_engine(dsn, application="onboarding-wire")
    served = await serve(engine=engine)
    portfolio = (await api.create({"name": "Mine", "positions": [KNOWN]})).json()["portfolio_id"]
    async with served.follow(portfolio) as told:
        await told.comes(1)
        wire.cut()
        await layer.value(portfolio)
        await told.ends()
    assert told.names() == ["status", "interrupted"]
    assert json.loads(told.events[1]["data"])["code"] == "database_away"
    assert "id" not in told.events[1]
    assert int(told.events[1]["retry"]) >= 1_000
    assert served.progress.followers == 0
    refused = await served.get(f"/portfolios/{portfolio}/progress")
    assert (refused.status_code, refused.json()["code"]) == (503, "database_away")
    assert "retry-after" in refused.headers
    await wire.open(port)
    async with served.follow(portfolio, **{"Last-Event-ID": told.events[0]["id"]}) as again:
        await again.ends()
    assert again.names() == ["end"]
    await engine.dispose()
