"""The stream of a portfolio's progress: what is told, in which order, and when it ends."""

import asyncio

import pytest

KNOWN = {"symbol": "AAPL", "quantity": "10", "entry_price": "150", "entry_date": "2024-05-01"}
NEW = KNOWN | {"symbol": "SNDK"}
NEWER = KNOWN | {"symbol": "ZETA"}


@pytest.fixture
async def create(api):
    async def create(*positions: dict[str, str], owner: str = "ada") -> str:
        answer = await api.create({"name": "Mine", "positions": list(positions)}, owner)
        assert answer.status_code == 201, answer.text
        return answer.json()["portfolio_id"]

    return create


async def test_it_tells_the_whole_status_at_once_then_every_change_and_ends_when_all_is_ready(serve, layer, create):
    served, portfolio = await serve(), await create(KNOWN, NEW)
    async with served.follow(portfolio) as told:
        await told.comes(1)
        assert told.bodies()[0] == (await served.get(f"/portfolios/{portfolio}/status")).json()
        await layer.value(portfolio)
        await told.comes(2)
        for number, state in enumerate(("queued", "running", "waiting_for_provider", "running", "ready"), start=3):
            await layer.request("SNDK", state)
            await told.comes(number)
        await layer.know("SNDK")
        await told.ends()
    assert told.names() == ["status"] * 7 + ["end"]
    states = [[symbol["state"] for symbol in body["progress"]] for body in told.bodies()]
    assert states == [[None], [None], ["queued"], ["running"], ["waiting_for_provider"], ["running"], ["ready"], []]
    assert [body["status"] for body in told.bodies()] == ["pending"] * 7 + ["ready"]
    assert told.bodies()[1]["valuation"]["portfolio_version"] == 1
    assert len({event["id"] for event in told.events}) == len(told.events) - 1, "running came twice, as it was"


async def test_of_a_portfolio_that_is_ready_the_end_is_told_at_once(serve, layer, create):
    served, portfolio = await serve(), await create(KNOWN)
    await layer.value(portfolio)
    async with served.follow(portfolio) as told:
        await told.ends()
    assert (told.names(), told.bodies()[0]["status"]) == (["end"], "ready")
    await served.gone()


async def test_a_symbol_that_cannot_be_found_is_told_and_the_others_are_awaited_all_the_same(serve, layer, create):
    served, portfolio = await serve(), await create(NEW, NEWER)
    await layer.value(portfolio)
    async with served.follow(portfolio) as told:
        await told.comes(1)
        await layer.request("SNDK", "failed", "not_found", "no such symbol")
        await told.comes(2)
        assert (told.bodies()[1]["status"], told.bodies()[1]["pending_symbols"]) == ("error", ["ZETA"])
        assert not told.over
        await layer.know("ZETA")
        await told.ends()
    last = told.bodies()[-1]
    assert (told.names(), last["status"]) == (["status", "status", "end"], "error")
    assert [failed["symbol"] for failed in last["failed_symbols"]] == ["SNDK"]


async def test_who_comes_back_is_told_what_changed_meanwhile_and_nothing_twice(serve, layer, create):
    served, portfolio = await serve(), await create(NEW)
    async with served.follow(portfolio) as told:
        await told.comes(1)
    last = told.events[-1]["id"]
    async with served.follow(portfolio, **{"Last-Event-ID": last}) as again:
        await layer.request("SNDK", "queued")
        await again.comes(1)
    assert [symbol["state"] for symbol in again.bodies()[0]["progress"]] == ["queued"]
    await layer.know("SNDK")
    await layer.value(portfolio)
    async with served.follow(portfolio, **{"Last-Event-ID": again.events[-1]["id"]}) as ended:
        await ended.ends()
    assert ended.names() == ["end"]
    async with served.follow(portfolio, **{"Last-Event-ID": ended.events[-1]["id"]}) as knows:
        await knows.ends()
    assert (knows.status_code, knows.events) == (204, [])


async def test_an_edit_after_the_end_is_told_to_who_comes_back_with_the_end(serve, layer, create):
    served, portfolio = await serve(), await create(KNOWN)
    await layer.value(portfolio)
    async with served.follow(portfolio) as told:
        await told.ends()
    await layer.connection.execute("UPDATE portfolios.portfolios SET version = 2")
    async with served.follow(portfolio, **{"Last-Event-ID": told.events[0]["id"]}) as again:
        await again.comes(1)
        assert (again.names(), again.bodies()[0]["status"]) == (["status"], "pending")
        await layer.connection.execute("UPDATE valuations.valuation_heads SET valuation = 2, portfolio_version = 2")
        await again.ends()
    assert again.bodies()[-1]["valuation"]["portfolio_version"] == 2


async def test_two_replicas_tell_the_same(serve, layer, create):
    one, other, portfolio = await serve(), await serve(), await create(NEW)
    async with one.follow(portfolio) as first, other.follow(portfolio) as second:
        await first.comes(1)
        await second.comes(1)
        await layer.request("SNDK", "running")
        await first.comes(2)
        await second.comes(2)
        await layer.value(portfolio)
        await layer.know("SNDK")
        await first.ends()
        await second.ends()
    assert first.events[:2] == second.events[:2]
    assert first.events[-1] == second.events[-1]
    # From the one to the other: an id is of what was told, not of who told it.
    async with other.follow(portfolio, **{"Last-Event-ID": first.events[-1]["id"]}) as knows:
        await knows.ends()
    assert knows.status_code == 204


async def test_a_deletion_is_told_and_ends_the_stream(serve, api, layer, create):
    served, portfolio = await serve(), await create(NEW)
    async with served.follow(portfolio) as told:
        await told.comes(1)
        await api.delete(f"/portfolios/{portfolio}")
        await told.ends()
    assert told.names() == ["status", "deleted"]
    async with served.follow(portfolio, **{"Last-Event-ID": told.events[0]["id"]}) as again:
        await again.ends()
    assert again.status_code == 404


async def test_nobody_follows_another_owners_portfolio(serve, create):
    served, portfolio = await serve(), await create(NEW, owner="ada")
    theirs = await served.get(f"/portfolios/{portfolio}/progress", owner="eve")
    none = await served.get("/portfolios/00000000-0000-4000-8000-000000000000/progress", owner="eve")
    assert (theirs.status_code, theirs.json()["code"]) == (404, "no_such_portfolio")
    assert theirs.json()["detail"].replace(portfolio, "") == none.json()["detail"].replace(
        "00000000-0000-4000-8000-000000000000", ""
    )
    assert (await served.get(f"/portfolios/{portfolio}/progress", Authorization="")).status_code == 401
    assert served.streams.open == 0


async def test_one_owner_cannot_take_all_streams(serve, create):
    served, portfolio = await serve(per_owner=1), await create(NEW)
    async with served.follow(portfolio) as told:
        await told.comes(1)
        refused = await served.get(f"/portfolios/{portfolio}/progress")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        assert int(refused.headers["retry-after"]) > 0
        assert (await served.get(f"/portfolios/{portfolio}/status")).status_code == 200
    await served.gone()


async def test_a_client_that_goes_is_followed_by_nothing(serve, create):
    served, portfolio = await serve(), await create(NEW)
    before = len(asyncio.all_tasks())
    for _ in range(5):
        async with served.follow(portfolio) as told:
            await told.comes(1)
        await served.gone(tasks=before)


async def test_however_many_follow_one_poll_reads_for_all(serve, layer, create, engine, monkeypatch):
    served = await serve(per_owner=5)
    portfolios = [await create(NEW), await create(NEWER)]
    asked: list[list[object]] = []
    read = served.progress._read

    async def counted(owner, followers):
        asked.append([owner, len(followers)])
        await read(owner, followers)

    monkeypatch.setattr(served.progress, "_read", counted)
    async with served.follow(portfolios[0]) as one, served.follow(portfolios[0]), served.follow(portfolios[1]) as other:
        await one.comes(1)
        await other.comes(1)
        asked.clear()
        await layer.request("SNDK", "queued")
        await layer.request("ZETA", "queued")
        await one.comes(2)
        await other.comes(2)
    polls = len(asked)
    assert asked == [["ada", 3]] * polls
