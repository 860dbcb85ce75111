"""The rule: an answer belongs to a valuation, and no answer is older than the head."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from redis.asyncio import Redis

from local_stack.valkey import ValkeyServer

FRIDAY, MONDAY, TUESDAY = date(2024, 12, 13), date(2024, 12, 16), date(2024, 12, 17)


async def _one_portfolio(world: Any) -> Any:
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", 1.2)
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 900.0), cash=100.0)
    return portfolio


def _fixed(body: dict[str, Any]) -> dict[str, Any]:
    """The part of an answer that the valuation fixes, but for the moment of computing."""
    return {name: body[name] for name in body if name not in ("pending", "age", "cache", "computed_at")}


async def test_first_a_miss_then_the_process_then_for_another_replica_redis(world: Any, make_replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    one, other = await make_replica(), await make_replica()
    bodies = [await one.ask(portfolio, "overview"), await one.ask(portfolio, "overview")]
    bodies += [await other.ask(portfolio, "overview"), await other.ask(portfolio, "overview")]
    assert [body["cache"] for body in bodies] == ["miss", "process", "redis", "process"]
    assert {body["computed_at"] for body in bodies} == {bodies[0]["computed_at"]}
    assert all(_fixed(body) == _fixed(bodies[0]) for body in bodies)


async def test_an_answer_says_what_it_belongs_to(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    body = await replica.ask(portfolio, "overview", top=3)
    del body["data"], body["computed_at"]
    assert body == {
        "portfolio": str(portfolio),
        "measure": "overview",
        "method": "as stored by the valuation",
        "parameters": {"top": 3},
        "as_of": "2024-12-16",
        "valuation": 1,
        "portfolio_version": 1,
        "edition": 1,
        "run_id": "00000000-0000-0000-0000-000000000001",
        "pending": False,
        "age": {"sessions": 0, "level": "fine", "last_due_session": "2024-12-16"},
        "coverage": 1.0,
        "cache": "miss",
    }


async def test_other_parameters_are_another_question_and_defaults_the_same_one(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    layers = [(await replica.ask(portfolio, "overview", **asked))["cache"] for asked in ({}, {"top": 10}, {"top": 11})]
    assert layers == ["miss", "process", "miss"]


async def test_a_new_valuation_is_answered_at_once_without_any_event(world: Any, make_replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    replicas = [await make_replica(), await make_replica()]
    for replica in replicas:
        await replica.ask(portfolio, "overview")
    for round_ in range(1, 6):
        valuation = await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 900.0 + round_), cash=100.0)
        for replica in replicas:
            body = await replica.ask(portfolio, "overview")
            assert (body["valuation"], body["data"]["nav"]) == (valuation, 1000.0 + round_)


async def test_between_a_change_and_its_fold_the_last_valuation_is_served_as_pending(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    await world.change(portfolio)
    body = await replica.ask(portfolio, "overview")
    assert (body["pending"], body["portfolio_version"], body["valuation"]) == (True, 1, 1)
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 800.0), cash=100.0)
    body = await replica.ask(portfolio, "overview")
    assert (body["pending"], body["portfolio_version"], body["valuation"]) == (False, 2, 2)


async def test_what_is_pending_is_not_kept_with_the_answer(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    assert not (await replica.ask(portfolio, "overview"))["pending"]
    await world.change(portfolio)
    body = await replica.ask(portfolio, "overview")
    assert (body["cache"], body["pending"]) == ("process", True)


async def test_a_fold_between_head_and_book_gives_the_newer_valuation_under_its_own_key(
    world: Any, make_replica: Any
) -> None:
    portfolio = await _one_portfolio(world)
    await world.edition(2, TUESDAY)
    await world.symbol(2, "AAA", 0.5)
    replica = await make_replica()
    read_book = replica.portfolios.read

    async def fold_first(*asked: Any) -> Any:
        await world.change(portfolio)
        await world.fold(portfolio, 2, TUESDAY, world.lot("AAA", 450.0), cash=50.0)
        replica.portfolios.read = read_book
        return await read_book(*asked)

    replica.portfolios.read = fold_first
    body = await replica.ask(portfolio, "factor-exposures")
    assert (body["valuation"], body["edition"], body["portfolio_version"]) == (2, 2, 2)
    assert (body["as_of"], body["pending"]) == ("2024-12-17", False)
    assert body["data"]["factors"][0]["beta"] == 0.5 * 0.9
    # Stored under valuation 2 only: the next one is a hit, in both layers.
    assert (await replica.ask(portfolio, "factor-exposures"))["cache"] == "process"
    assert (await (await make_replica()).ask(portfolio, "factor-exposures"))["cache"] == "redis"


async def test_a_book_is_of_one_instant_however_often_it_is_folded(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    stop = asyncio.Event()

    async def fold() -> None:
        value = 1.0
        while not stop.is_set():
            value += 1
            await world.fold(portfolio, 1, MONDAY, world.lot("AAA", value), world.lot("BBB", -value / 2))

    folding = asyncio.create_task(fold())
    try:
        for _ in range(60):
            data = (await replica.ask(portfolio, "overview"))["data"]
            assert abs(sum(line["market_value"] for line in data["top_positions"]) + data["cash"] - data["nav"]) < 1e-9
    finally:
        stop.set()
        await folding


async def test_many_at_once_compute_once(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    read_book, reads = replica.portfolios.read, 0

    async def count(*asked: Any) -> Any:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.1)
        return await read_book(*asked)

    replica.portfolios.read = count
    bodies = await asyncio.gather(*(replica.ask(portfolio, "overview") for _ in range(20)))
    assert reads == 1
    assert len({body["computed_at"] for body in bodies}) == 1


async def test_a_symbol_added_to_the_edition_later_is_picked_up_by_the_next_valuation(
    world: Any, make_replica: Any
) -> None:
    portfolio = await _one_portfolio(world)
    one, other = await make_replica(), await make_replica()
    await one.ask(portfolio, "factor-exposures")  # its arrays now hold edition 1 without NEW
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 500.0), world.lot("NEW", 500.0), unknown=["NEW"])
    before = await one.ask(portfolio, "factor-exposures")
    assert before["data"]["factors"][0]["beta"] == 0.6
    assert before["coverage"] == 0.5
    assert [(line["symbol"], line["reason"]) for line in before["data"]["excluded"]] == [("NEW", "unknown")]

    await world.symbol(1, "NEW", 2.0)
    # Until the fold it stays unknown for everybody, or two replicas would answer one valuation in two ways.
    await (await _redis(other)).flushall()
    assert _fixed(await other.ask(portfolio, "factor-exposures")) == _fixed(before)

    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 500.0), world.lot("NEW", 500.0))
    for replica in (one, other):
        body = await replica.ask(portfolio, "factor-exposures")
        assert body["data"]["factors"][0]["beta"] == 0.5 * 1.2 + 0.5 * 2.0
        assert (body["coverage"], body["data"]["excluded"]) == (1.0, [])


async def test_a_portfolio_behind_the_newest_editions_is_answered_from_its_own(world: Any, replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    for number in (2, 3, 4):
        await world.edition(number, TUESDAY)
        await world.symbol(number, "AAA", 10.0 * number)
        await replica.symbols.preload(number)
    body = await replica.ask(portfolio, "factor-exposures")
    assert (body["edition"], body["data"]["factors"][0]["beta"]) == (1, 1.2 * 0.9)
    assert replica.symbols.kept == (3, 4)


async def test_age_counts_sessions_by_the_clock_at_the_moment_of_asking(world: Any, make_replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    ages = []
    for now in (
        datetime(2024, 12, 17, 15, 0, tzinfo=UTC),  # Tuesday 10:00 in New York
        datetime(2024, 12, 18, 2, 30, tzinfo=UTC),  # Tuesday 21:30: its run is due and may still be at work
        datetime(2024, 12, 18, 15, 0, tzinfo=UTC),  # Wednesday 10:00
        datetime(2024, 12, 19, 15, 0, tzinfo=UTC),  # beyond the calendar's end
    ):
        ages.append((await (await make_replica(now=now)).ask(portfolio, "overview"))["age"])
    assert [(age["sessions"], age["level"]) for age in ages] == [
        (0, "fine"),
        (1, "fine"),
        (1, "warning"),
        (None, "critical"),
    ]


async def test_with_redis_stopped_answers_are_right_and_kept_by_the_process(
    world: Any, make_replica: Any, valkey_server: ValkeyServer
) -> None:
    portfolio = await _one_portfolio(world)
    replica = await make_replica()
    first = await replica.ask(portfolio, "overview")
    await asyncio.to_thread(valkey_server.stop)
    try:
        await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 800.0))
        bodies = [await replica.ask(portfolio, "overview") for _ in range(2)]
    finally:
        await asyncio.to_thread(valkey_server.start)
    assert [(body["cache"], body["data"]["nav"]) for body in bodies] == [("miss", 800.0), ("process", 800.0)]
    assert first["data"]["nav"] == 1000.0
    # Back again: what is computed from now on is shared.
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 700.0))
    assert (await replica.ask(portfolio, "overview"))["cache"] == "miss"
    assert (await (await make_replica()).ask(portfolio, "overview"))["cache"] == "redis"


async def test_a_redis_that_hangs_costs_its_timeout_and_nothing_else(
    world: Any, make_replica: Any, valkey_server: ValkeyServer
) -> None:
    portfolio = await _one_portfolio(world)
    replica = await make_replica()
    await replica.ask(portfolio, "overview", top=1)
    valkey_server.pause()
    try:
        async with asyncio.timeout(8):
            body = await replica.ask(portfolio, "overview", top=2)
    finally:
        valkey_server.resume()
    assert (body["cache"], body["data"]["nav"]) == ("miss", 1000.0)


async def test_rubbish_in_redis_is_refused_deleted_and_computed_anew(world: Any, make_replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    right = await (await make_replica()).ask(portfolio, "overview")
    redis = await _redis(await make_replica())
    (key,) = await redis.keys("*")
    whole = await redis.get(key)
    for rubbish in (
        b"",
        b"\xff\xfe not json",
        b"[]",
        b'{"data": {}}',
        whole[:-10],
        whole.replace(b'"nav":1000.0', b'"nav":null'),
        whole.replace(b'"nav":1000.0', b'"nav":"lots"'),
        whole.replace(b":1:1:overview", b":7:1:overview"),  # says itself that it belongs to valuation 7
    ):
        await redis.set(key, rubbish)
        body = await (await make_replica()).ask(portfolio, "overview")
        assert (body["cache"], _fixed(body)) == ("miss", _fixed(right)), rubbish
        assert await redis.get(key) != rubbish


async def test_a_redis_of_another_type_of_value_is_no_error(world: Any, make_replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    replica = await make_replica()
    await replica.ask(portfolio, "overview")
    redis = await _redis(replica)
    (key,) = await redis.keys("*")
    await redis.delete(key)
    await redis.lpush(key, "a list")
    assert (await (await make_replica()).ask(portfolio, "overview"))["cache"] == "miss"


async def test_a_redis_restored_from_an_old_dump_gives_no_old_answer(world: Any, make_replica: Any) -> None:
    portfolio = await _one_portfolio(world)
    replica = await make_replica()
    await replica.ask(portfolio, "overview")
    redis = await _redis(replica)
    dump = {key: await redis.get(key) for key in await redis.keys("*")}
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 700.0))
    await replica.ask(portfolio, "overview")
    await redis.flushall()
    await redis.mset(dump)
    for fresh in (replica, await make_replica()):
        body = await fresh.ask(portfolio, "overview")
        assert (body["valuation"], body["data"]["nav"]) == (2, 700.0)


async def test_replicas_without_a_shared_redis_agree(world: Any, make_replica: Any) -> None:
    await world.edition(1, MONDAY)
    for n in range(40):
        await world.symbol(1, f"S{n}", 0.1 * n, error=0.01 * n)
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, *(world.lot(f"S{n}", (-1) ** n * (100.0 + n)) for n in range(40)), cash=9e3)
    replicas = [await make_replica(redis_url="redis://127.0.0.1:1/0") for _ in range(2)]
    await replicas[1].symbols.edition(1, [])
    bodies = [await replica.ask(portfolio, "factor-exposures") for replica in replicas]
    assert [body["cache"] for body in bodies] == ["miss", "miss"]
    assert _fixed(bodies[0]) == _fixed(bodies[1])


async def _redis(replica: Any) -> Redis:
    return Redis(connection_pool=replica.redis._redis.connection_pool)
