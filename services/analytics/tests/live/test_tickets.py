"""A ticket stands for a token once, for a minute, at one portfolio's stream, on every replica; nowhere else."""

import asyncio
import json
import logging
import re
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from analytics import api_live
from local_stack.ports import free_port
from local_stack.valkey import ValkeyServer

MONDAY = date(2024, 12, 16)
PATH = "/api/v1/analytics/portfolio/{}/events"


def at(portfolio: UUID, ticket: str) -> str:
    return f"{PATH.format(portfolio)}?ticket={ticket}"


async def bought(served: Any, portfolio: UUID, owner: str = "ana") -> str:
    answer = await served.buys(portfolio, owner)
    assert answer.status_code == 201, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


async def refused(served: Any, path: str, status: int = 401, **headers: str) -> None:
    async with served.open(path, headers) as told:
        assert told.status_code == status, told.refusal
        shown = re.search(r"ticket=([^&]{8,})", path)
        assert shown is None or shown[1] not in json.dumps(told.refusal)


async def test_a_ticket_opens_the_stream_that_it_names_on_another_replica(serve: Any, world: Any, valued: UUID) -> None:
    first, second = await serve(), await serve()
    answer = await first.buys(valued)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    sold = answer.json()
    assert sold["expires_in"] == 60
    assert sold["stream"] == at(valued, sold["ticket"])
    async with second.open(sold["stream"]) as told:
        await told.comes("refreshed", "status")
        await world.fold(valued, 1, MONDAY, cash=6.0)
        await told.comes("refreshed", "status", "refreshed")


async def test_a_ticket_is_good_once(serve: Any, valued: UUID) -> None:
    first, second = await serve(), await serve()
    ticket = await bought(first, valued)
    async with first.open(at(valued, ticket)) as told:
        await told.comes("refreshed", "status")
        for served in (first, second):
            await refused(served, at(valued, ticket))


async def test_of_many_who_show_one_ticket_at_a_time_one_is_let_in(serve: Any, valued: UUID) -> None:
    served = await serve(per_owner=50, in_process=50)
    ticket = await bought(served, valued)
    streams = [served.open(at(valued, ticket)) for _ in range(8)]
    tolds = await asyncio.gather(*(stream.__aenter__() for stream in streams))
    try:
        assert sorted(told.status_code for told in tolds) == [200, *[401] * 7]
    finally:
        for stream in streams:
            await stream.__aexit__(None, None, None)


async def test_an_expired_ticket_is_refused(serve: Any, valued: UUID) -> None:
    served = await serve(ticket_seconds=0.05)
    ticket = await bought(served, valued)
    await asyncio.sleep(0.1)
    await refused(served, at(valued, ticket))


async def test_a_ticket_is_refused_at_another_portfolio_and_stays_good_for_its_own(
    served: Any, world: Any, valued: UUID
) -> None:
    other = await world.portfolio()
    ticket = await bought(served, valued)
    await refused(served, at(other, ticket))
    await refused(served, at(uuid4(), ticket))
    async with served.open(at(valued, ticket)) as told:
        await told.comes("refreshed", "status")


async def test_nobody_buys_a_ticket_to_another_owners_portfolio(served: Any, valued: UUID) -> None:
    for portfolio, owner in ((valued, "bob"), (uuid4(), "ana")):
        answer = await served.buys(portfolio, owner)
        assert (answer.status_code, answer.json()["code"]) == (404, "portfolio_not_found")


async def test_a_ticket_to_a_portfolio_that_was_deleted_since_finds_nothing(
    served: Any, world: Any, valued: UUID
) -> None:
    ticket = await bought(served, valued)
    await world.delete(valued)
    await refused(served, at(valued, ticket), 404)


async def test_a_ticket_is_no_token_anywhere_else(served: Any, valued: UUID) -> None:
    ticket = await bought(served, valued)
    client = served.replica.client
    for path in (f"/api/v1/analytics/portfolio/{valued}/overview", "/api/v1/analytics/portfolios/overview", "/nowhere"):
        assert (await client.get(path, params={"ticket": ticket})).status_code == 401, path
    body = {"portfolio": str(valued)}
    assert (await client.post(f"/api/v1/analytics/tickets?ticket={ticket}", json=body)).status_code == 401
    assert (await client.post(at(valued, ticket))).status_code == 401
    bearer = {"Authorization": f"Bearer {ticket}"}
    assert (await client.get(PATH.format(valued), headers=bearer)).status_code == 401
    # None of it spent the ticket.
    async with served.open(at(valued, ticket)) as told:
        await told.comes("refreshed", "status")


async def test_beside_a_token_a_ticket_is_not_looked_at(served: Any, valued: UUID) -> None:
    ticket = await bought(served, valued)
    await refused(served, at(valued, ticket), Authorization="Bearer garbage")
    async with served.open(at(valued, "garbage"), served.replica.bearer("ana")) as told:
        assert told.status_code == 200
    async with served.open(at(valued, ticket)) as told:
        assert told.status_code == 200


async def test_what_is_no_ticket_is_refused(served: Any, valued: UUID) -> None:
    for query in (
        "ticket=",
        "ticket=x",
        f"ticket={'A' * 43}",
        f"ticket={'A' * 10_000}",
        "ticket=%00",
        "ticket=*",
        "ticket=%ff%fe",
        f"ticket={'A' * 43}&ticket={'B' * 43}",
        "&".join(["ticket=x"] * 500),
        "Ticket=x",
        "%zz",
        "",
    ):
        await refused(served, f"{PATH.format(valued)}?{query}")


async def test_what_names_no_portfolio_buys_nothing(served: Any, valued: UUID) -> None:
    good = {"portfolio": str(valued)}
    for body in ({}, {"portfolio": None}, {"portfolio": "x"}, {"portfolio": 5}, [], "x", None, good | {"owner": "bob"}):
        answer = await served.replica.client.post(
            "/api/v1/analytics/tickets", json=body, headers=served.replica.bearer("ana")
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body


async def test_rubbish_in_redis_is_no_ticket(served: Any, valued: UUID, valkey_server: ValkeyServer) -> None:
    redis = Redis.from_url(valkey_server.url)
    try:
        for rubbish in (b"", b"{}", b"[]", b"nonsense", b'{"owner":"ana"}', b'{"owner":"ana","expires":"x"}', b"7"):
            ticket = await bought(served, valued)
            (key,) = await redis.keys("ticket:*")
            await redis.set(key, rubbish, keepttl=True)
            await refused(served, at(valued, ticket))
    finally:
        await redis.aclose()


async def test_redis_holds_no_ticket_that_could_be_shown(
    served: Any, valued: UUID, valkey_server: ValkeyServer
) -> None:
    ticket = await bought(served, valued)
    redis = Redis.from_url(valkey_server.url)
    try:
        (key,) = await redis.keys("ticket:*")
        assert ticket not in f"{key}{await redis.get(key)}"
        assert 0 < await redis.pttl(key) <= 60_000
    finally:
        await redis.aclose()


async def test_without_redis_no_ticket_is_sold_or_taken_and_a_token_still_opens_the_stream(
    serve: Any, valued: UUID
) -> None:
    served = await serve(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    answer = await served.buys(valued)
    assert (answer.status_code, answer.json()["code"]) == (503, "tickets_unavailable")
    assert answer.headers["retry-after"]
    await refused(served, at(valued, "A" * 43), 503)
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")


async def test_a_stream_by_ticket_ends_when_the_token_that_bought_it_expires(
    served: Any, valued: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await bought(served, valued)
    monkeypatch.setattr(api_live.time, "time", lambda: 4e9)
    async with served.open(at(valued, ticket)) as told:
        await told.ends()
        assert told.bodies("interrupted")[0]["code"] == "token_expired"


async def test_no_ticket_is_written_to_the_log(
    serve: Any, valued: UUID, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    served, without = await serve(), await serve(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    ticket = await bought(served, valued)
    async with served.open(at(valued, ticket)) as told:
        await told.comes("refreshed", "status")
    await refused(served, at(valued, ticket))
    await refused(without, at(valued, ticket), 503)
    # The test's own client says what it asks for.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    said = "\n".join(ours) + "".join(capfd.readouterr())
    assert "Redis does not answer" in said
    assert ticket not in said
