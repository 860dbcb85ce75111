"""Let real portfolio-refresh processes fold a crowd, and read what came of it."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import httpx

from benchmarks.bench import Bench, processor_seconds
from benchmarks.crowd import Crowd
from local_stack.database import Database
from local_stack.programs import PortfolioRefresh
from local_stack.stack import Stack
from observer.tables import Tables

CHUNKS_GROUP = 'group="portfolio-refresh.chunks"'
PATIENCE = 240.0


@dataclass(frozen=True)
class Refreshed:
    """One run over every portfolio. The lists have an item a worker process."""

    seconds: float
    """From the edition's publication to the end of the last chunk, by the database's clock."""
    portfolios: int
    chunks: list[int]
    """Chunks by worker, as the table says."""
    handled: float
    """Chunk events that the workers have dealt with, all together: more than there are chunks if one was done twice."""
    folded: float
    lost: float
    cpu_seconds: float
    """Of all workers together, user and system."""


@contextmanager
def workers(bench: Bench, database: Database, count: int) -> Iterator[list[PortfolioRefresh]]:
    """Processes of portfolio-refresh, each a member of the groups."""
    processes = [PortfolioRefresh(lambda: bench.environment(database, "portfolio_refresh")) for _ in range(count)]
    with Stack() as stack:
        stack.start(*processes)
        _wait_until(
            lambda: sum(_partitions(process) for process in processes) == 24, "all chunks' partitions are given"
        )
        if count > 1:
            time.sleep(2)  # the second member's arrival moves partitions of every group once more
            _wait_until(lambda: all(_partitions(process) for process in processes), "each worker has partitions")
        yield processes


def refresh(
    crowd: Crowd,
    database: Database,
    session: date,
    processes: Sequence[PortfolioRefresh],
    patience: float = PATIENCE,
) -> Refreshed:
    """Publish `session` and wait until every portfolio is folded to it, `patience` seconds at most."""
    tables = Tables(database)
    before = [_numbers(process) for process in processes]
    known = tables.value("SELECT count(*) FROM valuations.refresh_runs")
    _, published = crowd.publish(session)
    tables.wait(
        f"the refresh of {session}",
        "SELECT count(*) > $1 AND bool_and(finished_at IS NOT NULL) FROM valuations.refresh_runs",
        known,
        seconds=patience,
    )
    after = [_numbers(process) for process in processes]
    run = tables.rows(
        "SELECT run_id, finished_at, portfolios, chunks_failed + portfolios_failed AS failed "
        "FROM valuations.refresh_runs ORDER BY started_at DESC LIMIT 1"
    )[0]
    if run["failed"]:
        raise RuntimeError(f"{run['failed']} chunks or portfolios failed: there is nothing to measure")
    shares = tables.rows(
        "SELECT count(*) FROM valuations.refresh_chunks WHERE run_id = $1 GROUP BY worked_by", run["run_id"]
    )
    changed = {name: sum(a[name] for a in after) - sum(b[name] for b in before) for name in before[0]}
    return Refreshed(
        seconds=(run["finished_at"] - published).total_seconds(),
        portfolios=run["portfolios"],
        chunks=sorted(row["count"] for row in shares),
        handled=changed["handled"],
        folded=changed["folded"],
        lost=changed["lost"],
        cpu_seconds=changed["cpu"],
    )


def _partitions(process: PortfolioRefresh) -> int:
    health = httpx.get(f"{process.url}/health/ready", timeout=5, trust_env=False).json()
    return int(health["parts"]["portfolio-refresh.chunks"]["partitions"])


def _numbers(process: PortfolioRefresh) -> dict[str, float]:
    text = httpx.get(f"{process.url}/metrics", timeout=10, trust_env=False).text
    return {
        "handled": _sum(text, rf"riskstream_consumer_batch_seconds_count{{{CHUNKS_GROUP}}}"),
        "folded": _sum(text, r"riskstream_folds_written_total{.*}"),
        "lost": _sum(text, "riskstream_folds_lost_total"),
        "cpu": processor_seconds(process),
    }


def _sum(text: str, name: str) -> float:
    return sum(float(found) for found in re.findall(rf"^{name} (\S+)$", text, re.MULTILINE))


def _wait_until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.2)
