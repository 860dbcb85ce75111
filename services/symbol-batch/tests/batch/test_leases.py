"""Nights that are killed, taken over, given back: one holder at a time, and nothing asked for twice."""

import asyncio
import random
from datetime import date, timedelta

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)


async def claimed(batch) -> None:
    """Wait until somebody works on a night."""
    while not await batch.value("SELECT count(*) FROM symbols.batch_runs"):  # noqa: ASYNC110  # another session's row
        await asyncio.sleep(0.01)


async def test_two_reconcilers_at_once_make_one_run(replica, exchange) -> None:
    one, other = replica(), replica()
    await one.add(exchange.symbols)
    one.clock.move_to_night_of(MONDAY)
    done = await asyncio.gather(one.reconciler.reconcile(), other.reconciler.reconcile())
    assert sorted(len(runs) for runs in done) == [0, 1]
    assert await one.value("SELECT count(*) FROM symbols.editions") == 1
    assert await one.value("SELECT attempt FROM symbols.batch_runs") == 1


class Killed(BaseException):
    """The process dies here."""


def dies_at(monkeypatch: pytest.MonkeyPatch, point: str, nth: int) -> None:
    passed = []

    def reached(name: str) -> None:
        if name == point:
            passed.append(name)
            if len(passed) == nth:
                raise Killed

    monkeypatch.setattr("riskstream.messaging.crash_points.reached", reached)


async def kill_night_of(session: date, batch, monkeypatch: pytest.MonkeyPatch, point: str, nth: int) -> None:
    """Die in the middle, without the last words of an orderly end, and let the lease run out."""
    dies_at(monkeypatch, point, nth)
    batch.clock.move_to_night_of(session)
    with pytest.raises(BaseException, match=r"^$") as died:
        await batch.reconciler.reconcile()
    assert isinstance(died.value, Killed)
    monkeypatch.undo()
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second' WHERE state = 'running'")


@pytest.mark.parametrize(("point", "nth"), [("night.after_chunk", 2), ("night.before_publish_commit", 1)])
async def test_a_killed_night_resumes_and_asks_only_for_what_is_missing(
    replica, exchange, monkeypatch: pytest.MonkeyPatch, point: str, nth: int
) -> None:
    batch = replica(chunk_symbols=8)
    await batch.add(exchange.symbols)
    await kill_night_of(MONDAY, batch, monkeypatch, point, nth)
    fetched = {row["symbol"] for row in await batch.rows("SELECT symbol FROM symbols.run_fetches")}
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 0
    exchange.forget_requests()
    successor = replica(chunk_symbols=8)
    assert [run.state for run in await successor.reconciler.reconcile()] == ["completed"]
    assert exchange.asked_for() == set(exchange.symbols) - fetched
    assert len(fetched) == (16 if nth == 2 else len(exchange.symbols))
    assert await batch.value("SELECT count(*) FROM symbols.symbol_daily_metrics") == len(exchange.symbols)


@pytest.mark.parametrize("seed", range(5))
async def test_killed_at_a_random_answer_the_resumed_night_asks_only_for_what_is_not_stored(
    replica, exchange, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    batch, answers = replica(chunk_symbols=8), []
    await batch.add(exchange.symbols)
    last = random.Random(seed).randrange(1, len(exchange.symbols))
    ask = batch.provider.history

    async def history(symbol: str, start: date):
        answers.append(await ask(symbol, start))
        if len(answers) == last:
            raise Killed
        return answers[-1]

    monkeypatch.setattr(batch.provider, "history", history)
    batch.clock.move_to_night_of(MONDAY)
    with pytest.raises(Killed):
        await batch.reconciler.reconcile()
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = '-infinity'")
    stored = {row["symbol"] for row in await batch.rows("SELECT DISTINCT symbol FROM symbols.market_data_cache")}
    assert stored == {row["symbol"] for row in await batch.rows("SELECT symbol FROM symbols.run_fetches")}
    assert len(stored) >= last - 2 * 8, "at most what is under way in a chunk, and the chunk before it, is lost"
    exchange.forget_requests()
    assert [run.state for run in await replica().reconciler.reconcile()] == ["completed"]
    assert exchange.asked_for() == set(exchange.symbols) - stored
    assert await batch.value("SELECT count(*) FROM symbols.symbol_daily_metrics") == len(exchange.symbols)


async def test_a_holder_that_wakes_after_its_lease_writes_nothing(replica, exchange) -> None:
    zombie, successor = replica(lease_seconds=60.0), replica()
    await zombie.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=300)
    zombie.clock.move_to_night_of(MONDAY)
    sleeping = asyncio.create_task(zombie.reconciler.reconcile())
    await claimed(zombie)
    await zombie.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second'")
    exchange.heal()
    assert [run.state for run in await successor.reconciler.reconcile()] == ["completed"]
    published = await zombie.content()
    assert [run.state for run in await sleeping] == ["fenced"]
    assert await zombie.content() == published
    assert await zombie.value("SELECT count(*) FROM symbols.editions") == 1


async def test_a_lost_lease_ends_the_work(replica, exchange) -> None:
    batch = replica(lease_seconds=0.3)
    await batch.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=4000)
    batch.clock.move_to_night_of(MONDAY)
    working = asyncio.create_task(batch.reconciler.reconcile())
    await claimed(batch)
    await batch.rows("UPDATE symbols.batch_runs SET fence = nextval('symbols.fences')")
    assert [run.state for run in await asyncio.wait_for(working, 3.5)] == ["fenced"]


async def test_a_lease_is_renewed_while_the_night_runs(replica, exchange) -> None:
    batch = replica(lease_seconds=0.6)
    await batch.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=400)
    batch.clock.move_to_night_of(MONDAY)
    working = asyncio.create_task(batch.reconciler.reconcile())
    await claimed(batch)
    # Nobody else is there to take it: a machine that pauses for longer than the lease must not fail this test.
    ends = set()
    while not working.done():
        ends.add(await batch.value("SELECT lease_until FROM symbols.batch_runs WHERE state = 'running'"))
        await asyncio.sleep(0.05)
    ends.discard(None)
    assert len(ends) >= 3
    assert max(ends) - min(ends) > timedelta(seconds=0.6), "the last of them held beyond where the first ended"
    assert [(run.state, run.attempt) for run in working.result()] == [("completed", 1)]


async def test_a_stopped_reconciler_gives_its_lease_back(replica, exchange) -> None:
    stopped, successor = replica(lease_seconds=600.0), replica()
    await stopped.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=500)
    stopped.clock.move_to_night_of(MONDAY)
    running = asyncio.create_task(stopped.reconciler.run())
    await claimed(stopped)
    stopped.reconciler.stop()
    await asyncio.wait_for(running, 5)
    exchange.heal()
    assert [run.attempt for run in await successor.reconciler.reconcile()] == [2]


async def test_a_run_that_somebody_holds_cannot_be_claimed(replica) -> None:
    one, other = replica(), replica()
    for session in (THURSDAY, MONDAY, TUESDAY, WEDNESDAY) * 25:  # the two meet within the statement only now and then
        claims = await asyncio.gather(
            *(each.reconciler._claim(session, at_once=at_once) for each in (one, other) for at_once in (False, True))
        )
        assert len([claim for claim in claims if claim is not None]) == 1
        assert await one.value("SELECT attempt FROM symbols.batch_runs") == 1
        await one.rows("DELETE FROM symbols.batch_runs")


@pytest.mark.parametrize("step", ["storing a chunk", "publishing"])
async def test_a_holder_that_lost_its_lease_is_fenced_off_from_every_write(
    replica, exchange, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    zombie, successor = replica(), replica()
    await zombie.add(exchange.symbols)
    owner, name = (zombie.intake, "_settle_chunk") if step == "storing a chunk" else (zombie.night, "_publish")
    write = getattr(owner, name)

    async def taken_over_first(*arguments, **named):
        await zombie.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second'")
        assert await successor.reconciler._claim(MONDAY, at_once=False) is not None
        return await write(*arguments, **named)

    monkeypatch.setattr(owner, name, taken_over_first)
    assert await zombie.run_night_of(MONDAY) == "fenced"
    prices = [] if step == "publishing" else ["market_data_cache", "corporate_actions", "run_fetches"]
    for table in ("editions", "current_edition", "symbol_factor_exposures", "symbol_daily_metrics", "outbox", *prices):
        assert await zombie.value(f"SELECT count(*) FROM symbols.{table}") == 0, table
    assert await zombie.value("SELECT state FROM symbols.batch_runs") == "running"
