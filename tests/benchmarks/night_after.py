"""What people see once a night's refresh is said to be complete: whether every valuation, and every answer, is new."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from datetime import time as clock_time
from uuid import UUID

import httpx
import numpy as np

from benchmarks.bench import Bench
from benchmarks.crowd import Crowd
from benchmarks.figure import Figure
from benchmarks.measuring import median
from benchmarks.questions import serving
from benchmarks.refresh_runs import refresh, workers
from local_stack.database import Database
from local_stack.programs import Analytics
from observer.tables import Tables
from observer.topics import TopicObserver
from riskstream.runtime.clock import NEW_YORK, Clock

COMPLETED = "portfolio.refresh.completed"
POSITIONS = 20
ASKED = 200
AT_ONCE = 4
_PATIENCE = 120.0
_LOOK_SECONDS = 0.005

# In one snapshot: has the run ended, and who is behind.
STANDING = """
SELECT (SELECT bool_and(finished_at IS NOT NULL) FROM valuations.refresh_runs WHERE session = $1) AS ended,
    (SELECT count(*) FROM valuations.valuation_heads WHERE session < $1) AS behind
"""


def measure(bench: Bench) -> Iterator[Figure]:
    count = bench.size(10_000, 1_000)
    nights = bench.market.nights[: bench.size(3, 1)]
    # On the last one's evening: its answers are to be of age 0.
    clock = Clock(datetime.combine(nights[-1], clock_time(21, 1), NEW_YORK))
    random = np.random.default_rng(9)
    with bench.database() as database, workers(bench, database, 1) as processes:
        crowd = Crowd(database, bench.market, bench.servers.kafka.address)
        with bench.narrator.step(f"{count:,} portfolios and their first session"):
            portfolios = crowd.add(count, POSITIONS)
            refresh(crowd, database, bench.market.first, processes)
        analytics = Analytics(lambda: bench.environment(database, "analytics") | clock.environment())
        waits, behind = [], []
        with serving(analytics), TopicObserver(bench.servers.kafka.address, [COMPLETED]) as observer:
            asked = [portfolios[place] for place in random.choice(count, ASKED, replace=False).tolist()]
            _ask_all(bench, analytics, asked, bench.market.first, age=len(nights))
            for session in nights:
                with bench.narrator.step(f"the night of {session}"):
                    before = observer.settled(0.5)[COMPLETED]
                    crowd.publish(session)
                    behind.append(_behind_when_ended(database, session))
                    _wait_for_the_event(observer, before)
                    began = time.perf_counter()
                    _ask_all(bench, analytics, asked, session, age=len(nights) - 1 - nights.index(session))
                    waits.append(time.perf_counter() - began)
    if any(behind):
        raise RuntimeError(f"{behind} heads were behind when the run had ended: that is an error, not a figure")
    yield Figure(
        name="night-after",
        what=f"{count:,} portfolios: from the completed event read to {ASKED} of them answered fresh",
        value=median(waits),
        unit="s",
        runs=tuple(waits),
        sense="at most",
        goal=3,
        note=f"longest {max(waits):.2f} s, {AT_ONCE} questions at once; no head was behind in the snapshot in which "
        "the run had ended",
    )


def _behind_when_ended(database: Database, session: date) -> int:
    """How many heads are behind in the first snapshot in which the session's run has ended."""
    tables = Tables(database)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        (row,) = tables.rows(STANDING, session)
        if row["ended"]:
            return int(row["behind"])
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"the refresh of {session} has not ended within {_PATIENCE:.0f} s")


def _wait_for_the_event(observer: TopicObserver, before: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while observer.counts()[COMPLETED] == before:
        if time.monotonic() > deadline:
            raise TimeoutError("the completed event has not come")
        time.sleep(_LOOK_SECONDS)


def _ask_all(bench: Bench, analytics: Analytics, asked: Sequence[tuple[UUID, str]], session: date, *, age: int) -> None:
    """Ask about each until its answer is of the session, with nothing pending, and of that `age` in sessions."""
    tokens = {owner: bench.issuer.token(owner) for _, owner in asked}
    with (
        httpx.Client(base_url=analytics.url, timeout=30, trust_env=False) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        for _ in pool.map(lambda one: _ask_until_fresh(client, one[0], tokens[one[1]], session, age), asked):
            pass


def _ask_until_fresh(client: httpx.Client, portfolio: UUID, token: str, session: date, age: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        answer = client.get(
            f"/api/v1/analytics/portfolio/{portfolio}/overview", headers={"Authorization": f"Bearer {token}"}
        )
        body = answer.raise_for_status().json()
        if not body["pending"] and body["as_of"] == str(session) and body["age"]["sessions"] == age:
            return
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"no answer of {session} about {portfolio} within {_PATIENCE:.0f} s")
