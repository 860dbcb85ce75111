"""Folds and fan-in of real replicas under kills, pauses, edits, and events in any order and any number.

Whatever happened on the way, everything that folds have written equals, bit for bit, what one calm fold writes.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from chaos.system.processes import CRASH, PAUSE, until, wait_for_crash, wait_until_paused
from chaos.system.stage import SILENCE, Lot, Stage
from local_stack.programs import Program
from local_stack.system import shortly_before_the_night
from observer.topics import TopicObserver
from own_system.market import bring_in, synthetic
from own_system.servers import OwnServers
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshRequested

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SESSIONS = [date(2026, 3, day) for day in (10, 11, 12, 13, 16, 17, 18, 19, 20)]
COMPLETED = "portfolio.refresh.completed"
SEEDS = (20260310,)
ROUNDS = 3


@dataclass
class Play:
    stage: Stage
    observer: TopicObserver
    stocks: list[str]
    strangers: list[str]
    """Symbols that no edition contains yet."""
    nights: Iterator[date]
    today: date
    portfolios: list[UUID] = field(default_factory=list)

    def next_night(self) -> None:
        self.today = next(self.nights)
        self.stage.night(self.today)

    def create(self, *symbols: str, first_session: date | None = None) -> PortfolioChanged:
        lots = [Lot(symbol, 10 * n + 7, SESSIONS[0]) for n, symbol in enumerate(symbols)]
        changed = self.stage.create(lots, first_session or self.today, equity=50_000)
        self.portfolios.append(changed.portfolio)
        return changed

    def edit(self, portfolio: UUID, since: date, quantity: int) -> PortfolioChanged:
        """Change a lot's quantity, from `since` on."""
        return self.stage.edit(
            portfolio,
            since,
            ("UPDATE portfolios.positions SET quantity = $2 WHERE portfolio_id = $1", (portfolio, Decimal(quantity))),
        )

    def delete(self, portfolio: UUID) -> PortfolioChanged:
        self.portfolios.remove(portfolio)
        return self.stage.edit(portfolio, SESSIONS[0], deleted=True)

    def comes_to_a_calm_fold(self) -> None:
        self.stage.all_folded()
        assert self.stage.folded() == self.stage.folded_calmly()

    def every_run_completed_once(self) -> None:
        """By ids: a delivery may repeat, a second completion may not."""
        self.observer.settled(0.5)
        bodies = zip(self.observer.ids(COMPLETED), self.observer.bodies(COMPLETED), strict=True)
        said = Counter({event: body["run"] for event, body in bodies}.values())
        assert said == Counter(str(row["run_id"]) for row in self.stage.tables.rows(RUNS))


RUNS = "SELECT run_id FROM valuations.refresh_runs"
LANES = "SELECT lane FROM valuations.outbox_lane FOR UPDATE SKIP LOCKED"


@pytest.fixture(scope="module")
def play(servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with Stage(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(SESSIONS[0], seconds=0),
        market=synthetic(SESSIONS[0], symbols=34),
        tuning={
            "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
            "RISKSTREAM_CHUNK_PORTFOLIOS": "2",
            "RISKSTREAM_FOLD_SNAPSHOTS": "1",
            # Events alone must do it: no sweeper mends anything here.
            "RISKSTREAM_SWEEP_SECONDS": "3600",
        },
    ) as stage:
        listed = bring_in(stage, SESSIONS[0], strangers=8)
        nights = iter(SESSIONS)
        stage.night(next(nights))
        with TopicObserver(servers.kafka.address, [COMPLETED]) as observer:
            play = Play(stage, observer, listed.stocks, listed.strangers, nights, SESSIONS[0])
            for n in range(48):
                play.create(*listed.stocks[n % 9 : n % 9 + 3])
            yield play


@contextmanager
def replicas(play: Play, folder: Path, *points: dict[str, str]) -> Iterator[list[Program]]:
    """Started replicas, one for each dict of variables."""
    with ExitStack() as stack:
        programs = [play.stage.replica(folder / str(number), **more) for number, more in enumerate(points)]
        for program in programs:
            stack.callback(program.close)
            stack.callback(program.resume)
        play.stage.start(*programs)
        yield programs


def test_replicas_killed_at_every_point_of_a_chunk_complete_each_run_once(play: Play, tmp_path: Path) -> None:
    points = ["fold.before_write:1", "fold.after_write:3", "chunk.before_end_commit:1", "chunk.after_end_commit:2"]
    with replicas(play, tmp_path / "doomed", *({CRASH: point} for point in points)) as doomed:
        play.stage.relay("symbols")
        for program in doomed:
            wait_for_crash(program)
    queued = play.stage.tables.value("SELECT remaining FROM valuations.refresh_runs")
    assert 0 < queued < 24, "killed in the middle of the run"
    with replicas(play, tmp_path / "healthy", {}, {}):
        chunks = play.stage.tables.rows("SELECT run_id, chunk FROM valuations.refresh_chunks")
        again = [PortfolioRefreshRequested(run=row["run_id"], chunk=row["chunk"]) for row in chunks]
        random.Random(1).shuffle(again)
        play.stage.say(*again)
        play.comes_to_a_calm_fold()
        play.stage.say(*again)
        play.stage.all_folded()
    play.every_run_completed_once()
    assert play.stage.tables.value("SELECT max(valuation) FROM valuations.valuation_heads") == 1, "folded once each"


def test_edits_creations_and_deletions_during_a_chunk_are_in_what_comes_of_it(play: Play, tmp_path: Path) -> None:
    play.next_night()
    # It freezes between what it has read and what it will write.
    with replicas(play, tmp_path, {PAUSE: "fold.before_write:2"}) as (frozen,):
        play.stage.relay("symbols")
        wait_until_paused(frozen)
        half = play.portfolios[::2]
        said: list[Event] = [play.edit(portfolio, SESSIONS[0], 3) for portfolio in half[::3]]
        said += [play.edit(portfolio, play.today, 5) for portfolio in half[1::3]]
        said += [play.delete(portfolio) for portfolio in half[2::3]]
        said += [play.create(*play.stocks[:2]), play.create(*play.stocks[3:5], first_session=SESSIONS[0])]
        frozen.resume()
        play.stage.say(*random.Random(2).sample(said, len(said)))
        play.comes_to_a_calm_fold()
    play.every_run_completed_once()


def test_a_fold_frozen_past_its_session_writes_over_nobody(play: Play, tmp_path: Path) -> None:
    play.stage.fold_now()
    play.next_night()
    with replicas(play, tmp_path, {PAUSE: "fold.before_write:1"}, {}) as (zombie, _):
        play.stage.relay("symbols")
        wait_until_paused(zombie)
        said = [play.edit(portfolio, SESSIONS[0], 11) for portfolio in play.portfolios]
        play.stage.say(*said)
        # The other replica gets the partitions when the zombie's session is over, and folds the zombie's portfolio.
        play.stage.all_folded()
        before = play.stage.tables.digest("valuations.valuation_heads")
        zombie.resume()
        until("the zombie's write tried", lambda: _writes(zombie) > 0)
        assert play.stage.tables.digest("valuations.valuation_heads") == before
        play.comes_to_a_calm_fold()
    play.every_run_completed_once()


def test_a_night_during_the_fold_of_a_creation_is_in_what_comes_of_it(play: Play, tmp_path: Path) -> None:
    play.stage.fold_now()
    with replicas(play, tmp_path / "frozen", {PAUSE: "fold.before_write:1"}) as (frozen,):
        # A creation alone, so that it is what the replica has read and not yet written when the night comes.
        created = play.create(*play.stocks[:3], first_session=SESSIONS[0])
        play.stage.say(created)
        wait_until_paused(frozen)
        heads = "SELECT count(*) FROM valuations.valuation_heads WHERE portfolio_id = $1"
        assert play.stage.tables.value(heads, created.portfolio) == 0
        play.next_night()
        play.stage.relay("symbols")
        with replicas(play, tmp_path / "awake", {}):
            play.stage.all_folded()
            frozen.resume()
            until("the frozen write tried", lambda: _writes(frozen) > 0)
            play.stage.say(created)
            play.comes_to_a_calm_fold()
    play.every_run_completed_once()


def test_lanes_of_a_replica_frozen_within_a_statement_are_taken_from_it(play: Play, tmp_path: Path) -> None:
    with asyncio.Runner() as frozen:
        holder = frozen.run(_hold_every_lane(play.stage.database.dsns["portfolio_refresh"]))
        for portfolio in play.portfolios:
            play.edit(portfolio, play.today, 17)
        play.stage.plan_again()
        time.sleep(SILENCE + 2)
        assert play.stage.tables.rows(LANES) == [], "no time-out of Postgres ends a session that it calls active"
        with replicas(play, tmp_path, {}, {}):
            play.comes_to_a_calm_fold()
        play.every_run_completed_once()
        holder.terminate()


def test_a_night_during_creations_and_symbols_before_their_portfolios_in_any_order(play: Play, tmp_path: Path) -> None:
    early, late, both, never_said_first = play.strangers[:4]
    with replicas(play, tmp_path, {}, {}):
        before_the_night = [play.create(play.stocks[0], early), play.create(play.stocks[1], late)]
        # Stored before the edition, said after it.
        play.next_night()
        during = [play.create(play.stocks[2], both, first_session=SESSIONS[1]), play.create(never_said_first)]
        play.stage.say(before_the_night[1])
        play.stage.bring_in([early, late, both, never_said_first])
        play.stage.relay("symbols")  # symbol.ready, and the night
        play.stage.say(*during, before_the_night[0], *during)
        play.comes_to_a_calm_fold()
    assert play.stage.tables.value("SELECT count(*) FROM valuations.valuation_heads WHERE unknown_symbols <> '{}'") == 0
    play.every_run_completed_once()


@pytest.mark.parametrize("how_many", ["one", "all"])
def test_whoever_cannot_be_read_is_left_out_and_a_chunk_of_nobody_else_fails(
    play: Play, tmp_path: Path, how_many: str
) -> None:
    """In either case the run completes once."""
    broken = play.portfolios if how_many == "all" else [min(play.portfolios)]
    play.stage.write(
        (
            "INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind) "
            "SELECT gen_random_uuid(), unnest($1::uuid[]), 'alice', $2, 1, 'deposit'",
            (broken, SESSIONS[0]),
        ),
        (
            "CREATE FUNCTION public.unreadable() RETURNS boolean LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'a page of the table is broken' USING ERRCODE = 'data_corrupted'; END $$",
            (),
        ),
        (
            "CREATE POLICY broken ON portfolios.cash_flows AS RESTRICTIVE FOR SELECT TO portfolio_refresh"
            " USING (public.unreadable())",
            (),
        ),
    )
    for portfolio in play.portfolios:
        play.edit(portfolio, play.today, 13)
    before = [row["run_id"] for row in play.stage.tables.rows(RUNS)]
    with replicas(play, tmp_path, {}, {}):
        play.stage.plan_again()
        ended = f"{RUNS} WHERE remaining = 0 AND chunks_failed + portfolios_failed > 0 AND run_id <> ALL ($1)"
        run = play.stage.tables.wait("the run ended", ended, before)
        play.stage.say(*(PortfolioRefreshRequested(run=run, chunk=chunk) for chunk in (0, 1, 0)))
        mend = "DROP POLICY broken ON portfolios.cash_flows"
        play.stage.write((mend, ()), ("DROP FUNCTION public.unreadable()", ()))
        play.stage.plan_again()
        play.comes_to_a_calm_fold()
    play.every_run_completed_once()
    said = [body for body in play.observer.bodies(COMPLETED) if body["run"] == str(run)]
    # A chunk that had one portfolio only is done, and that one left out.
    failed = [(body["chunks_failed"] > 0, body["portfolios_failed"]) for body in said]
    assert failed == ([(True, len(play.portfolios))] if how_many == "all" else [(False, 1)])


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_anything_comes_to_the_same(play: Play, tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    with replicas(play, tmp_path, {}, {}) as programs:
        unsaid: list[Event] = []
        for _ in range(ROUNDS):
            unsaid += _some_changes(play, chance)
            if chance.random() < 0.5:
                play.next_night()
            if play.strangers[4:] and chance.random() < 0.5:
                play.stage.bring_in([play.strangers.pop()])
            victim = chance.choice(programs)
            victim.kill() if chance.random() < 0.5 else victim.pause()
            _say_some(play, chance, unsaid)
            victim.resume()
            victim.start()
        _say_all(play, chance, unsaid)
        play.comes_to_a_calm_fold()
    play.every_run_completed_once()


async def _hold_every_lane(dsn: str) -> asyncpg.Connection:
    """What a process leaves behind that freezes between the preparation of a statement and its execution."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("BEGIN")
    assert len(await connection.fetch(LANES)) == 16
    await connection.prepare("SELECT 1")
    return connection


def _some_changes(play: Play, chance: random.Random) -> list[Event]:
    said: list[Event] = []
    for _ in range(6):
        portfolio = chance.choice(play.portfolios)
        match chance.choice(["create", "edit", "edit", "delete"]):
            case "create":
                symbols = chance.sample(play.stocks + play.strangers[4:], 3)
                said.append(play.create(*symbols, first_session=chance.choice(SESSIONS[:2])))
            case "edit":
                said.append(play.edit(portfolio, chance.choice([SESSIONS[0], play.today]), chance.randint(1, 99)))
            case _:
                said.append(play.delete(portfolio))
    return said


def _say_some(play: Play, chance: random.Random, unsaid: list[Event]) -> None:
    """Say half of what happened, in any order, some of it twice; the other half later, or after what follows it."""
    if chance.random() < 0.5:
        play.stage.relay("symbols")
    some = chance.sample(unsaid, len(unsaid) // 2)
    play.stage.say(*some, *some[:2])
    for event in some:
        unsaid.remove(event)


def _say_all(play: Play, chance: random.Random, unsaid: Sequence[Event]) -> None:
    play.stage.say(*chance.sample(unsaid, len(unsaid)))
    play.stage.relay("symbols")


def _writes(program: Program) -> int:
    """Transactions in which the replica has tried to write folds."""
    metrics = httpx.get(f"{program.url}/metrics", timeout=5, trust_env=False).text
    found = re.search(r'^riskstream_fold_step_seconds_count\{step="write"\} (\S+)', metrics, re.MULTILINE)
    return 0 if found is None else int(float(found[1]))
