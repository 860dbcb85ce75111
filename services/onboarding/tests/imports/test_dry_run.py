"""A dry run finds what the import would, refuses what it would, and stores nothing."""

import json
from datetime import datetime

import pytest

from nasty_files import NASTY
from riskstream.runtime.clock import NEW_YORK, Clock

HEADER = "Symbol,Quantity,Entry Price Per Share,Entry Date\n"
FILE = HEADER + "AAPL,10,240,2024-12-12\nNVDA,5,130,2024-12-13\nTSLA,5,130,2024-12-13\n"
FLOWS = """\
Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
12/16/2024,MoneyLink Transfer,,OUT,,,,"-$2,000.00"
12/12/2024,Buy,AAPL,APPLE,10,$235.00,,
"""
TODAY = datetime(2026, 11, 20, 12, tzinfo=NEW_YORK)
MODES = ("all_or_nothing", "accept_valid")


class Importing:
    """Sends each file twice, as a dry run first, and holds the two answers against each other."""

    def __init__(self, api, layer) -> None:
        self.api, self.layer = api, layer

    async def portfolio(self) -> str:
        body = {"name": "Mine", "positions": [], "declared_equity": "100000", "first_session": "2024-12-11"}
        return (await self.api.create(body)).headers["location"]

    async def both(self, content: str | bytes, path: str = "/portfolios", headers=None, **query: str):
        """The answer of the import."""
        stored = await self.layer.counts()
        dry = await self._send(content, path, headers or {}, query | {"dry_run": "true"})
        assert await self.layer.counts() == stored
        real = await self._send(content, path, headers or {}, query)
        said = real.json()
        if real.is_success:
            assert (dry.status_code, dry.json()["would_be_stored"]) == (200, True), (dry.text, real.text)
            assert dry.json()["report"] == said["report"]
        elif said["code"] == "rows_invalid":
            assert (dry.status_code, dry.json()["would_be_stored"]) == (200, False), dry.text
            assert dry.json()["report"]["errors"] == said["errors"]
        else:
            assert (dry.status_code, dry.json()) == (real.status_code, said)
        return real

    async def _send(self, content, path, headers, query):
        sent = self.api.as_owner("ada") | {"Content-Type": "text/csv"} | headers
        return await self.api.client.post(f"{path}/import", content=content, params=query, headers=sent)


@pytest.fixture
def make_importing(make_api, layer):
    async def make(**settings) -> Importing:
        return Importing(await make_api(**settings), layer)

    return make


@pytest.fixture
async def importing(make_importing) -> Importing:
    return await make_importing()


@pytest.mark.parametrize("mode", MODES)
async def test_every_nasty_file_has_one_report_whether_it_creates_or_is_added(make_importing, layer, mode):
    await layer.calendar(TODAY.date())
    importing = await make_importing(clock=Clock(TODAY), portfolio_max_rows=1_000)
    statuses = set()
    for nasty in NASTY:
        terms = {"mode": mode} | ({"isins": json.dumps(nasty.isins)} if nasty.isins else {})
        created = await importing.both(nasty.content, name=nasty.name, **terms)
        added = await importing.both(nasty.content, await importing.portfolio(), **terms)
        assert created.status_code == added.status_code, nasty.name
        statuses.add(created.status_code)
        code = created.json().get("code")
        assert code == nasty.refusal or not nasty.refusal or created.status_code == 413, nasty.name
        if created.status_code == 201:
            assert added.json()["report"] == created.json()["report"], nasty.name
    assert statuses == {201, 413, 422}


class TestWholeRefusals:
    """What is not of a row is the same problem for both."""

    async def test_more_unknown_symbols_than_may_wait(self, make_importing):
        importing = await make_importing(pending_symbols_hard_limit=1)
        for path, named in (("/portfolios", {"name": "x"}), (await importing.portfolio(), {})):
            real = await importing.both(FILE, path, **named)
            assert (real.status_code, real.json()["code"]) == (422, "too_many_unknown_symbols")

    async def test_a_full_queue_of_symbols(self, make_importing, layer):
        importing = await make_importing(pending_symbols_hard_limit=2)
        await layer.request("SNDK", "queued")
        for path, named in (("/portfolios", {"name": "x"}), (await importing.portfolio(), {})):
            real = await importing.both(FILE, path, **named)
            assert (real.status_code, real.json()["code"]) == (503, "symbol_queue_full")

    async def test_more_lots_than_a_portfolio_may_have(self, make_importing):
        importing = await make_importing(portfolio_max_rows=4)
        path = await importing.portfolio()
        assert (await importing.both(FILE, path)).status_code == 201
        real = await importing.both(FILE, path, {"Idempotency-Key": "again"})
        assert (real.status_code, real.json()["code"]) == (422, "too_many_rows")

    async def test_a_version_that_is_not_the_present_one(self, importing):
        real = await importing.both(FILE, await importing.portfolio(), {"If-Match": '"9"'})
        assert (real.status_code, real.json()["code"]) == (412, "precondition_failed")

    async def test_a_key_that_stands_for_something_else(self, importing):
        path, key = await importing.portfolio(), {"Idempotency-Key": "k"}
        assert (await importing.both(FILE, path, key)).status_code == 201
        for where, named in (("/portfolios", {"name": "x"}), (path, {})):
            real = await importing.both(HEADER + "AAPL,1,1,2024-12-12\n", where, key, **named)
            assert (real.status_code, real.json()["code"]) == (409, "idempotency_key_reused")

    async def test_a_first_session_that_is_none(self, importing):
        real = await importing.both(FILE, name="x", first_session="2024-12-14")
        assert (real.status_code, real.json()["code"]) == (422, "first_session_invalid")

    async def test_a_portfolio_that_is_not_there(self, importing):
        real = await importing.both(FILE, "/portfolios/00000000-0000-0000-0000-000000000001")
        assert (real.status_code, real.json()["code"]) == (404, "no_such_portfolio")

    async def test_errors_of_rows_come_first(self, make_importing):
        importing = await make_importing(pending_symbols_hard_limit=1)
        real = await importing.both(FILE + "?,1,1,2024-12-13\n", name="x")
        assert real.json()["code"] == "rows_invalid"


@pytest.mark.parametrize("mode", MODES)
async def test_a_withdrawal_of_more_than_there_is_has_one_report(importing, layer, mode):
    path = await importing.portfolio()
    await layer.worth(path.rsplit("/", 1)[1], 1_000)
    real = await importing.both(FLOWS, path, mode=mode)
    assert real.status_code == (201 if mode == "accept_valid" else 422)
