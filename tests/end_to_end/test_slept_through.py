"""A process that slept through five sessions, and whose successors are killed at any moment."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaos.system.processes import process_of, replica, until
from local_stack.errors import ServerFailed
from local_stack.programs import Program, SymbolBatch
from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import Tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST, LAST = date(2026, 3, 10), date(2026, 3, 17)
SLEPT_THROUGH = [date(2026, 3, day) for day in (11, 12, 13, 16, 17)]
KILLS = 5
CHUNK = 8


class SymbolLayer(System):
    """Of the whole system the simulator alone runs by itself."""

    @property
    def services(self) -> tuple[Program, ...]:
        return ()

    def charts(self) -> int:
        """The charts asked for since the ledger was emptied."""
        report: dict[str, Any] = httpx.get(f"{self.simulator.url}/_simulator/requests", trust_env=False).json()
        return int(report["endpoints"].get("chart", 0))

    def forget(self) -> None:
        httpx.delete(f"{self.simulator.url}/_simulator/requests", trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def layer(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SymbolLayer]:
    with SymbolLayer(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(FIRST, seconds=0),
        market=["--synthetic", "--seed", "11", "--symbols", "30", "--reference", str(FIRST)],
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.3",
            "RISKSTREAM_LEASE_SECONDS": "1",
            "RISKSTREAM_CHUNK_SYMBOLS": str(CHUNK),
        },
        database_name="slept_through",
    ) as layer:
        listed = httpx.get(f"{layer.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
        layer.add_symbols(
            [item["symbol"] for item in listed if item["first_session"] <= str(FIRST) and not item["delisted"]]
        )
        first = layer.command(SymbolBatch, "symbol_batch", "reconcile")
        assert first.returncode == 0, first.stderr
        yield layer


def missing(tables: Tables) -> int:
    """How many answers the nights that were begun, or the next one, still lack."""
    return int(
        tables.value(
            "WITH begun AS (SELECT run_id FROM symbols.batch_runs WHERE state = 'running')"
            " SELECT (SELECT count(*) FROM symbols.symbol_universe WHERE status = 'active')"
            " - (SELECT count(*) FROM symbols.run_fetches JOIN begun USING (run_id) WHERE outcome = 'OK')"
        )
    )


def kill_after(program: Program, layer: SymbolLayer, charts: int) -> None:
    """Start the program and kill it once it has asked for so many charts, ready or not."""

    def start() -> None:
        with suppress(ServerFailed):
            program.start()

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    until(f"{charts} charts asked for", lambda: layer.charts() >= charts, every=0.01)
    process = process_of(program)
    process.signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    thread.join(30)


def test_killed_at_five_random_moments_each_successor_asks_only_for_what_is_missing(
    layer: SymbolLayer, tmp_path: Path
) -> None:
    tables, draws = Tables(layer.database), random.Random(4)
    layer.move_clock(shortly_before_the_night(LAST, seconds=0), faults=[{"kind": "latency", "milliseconds": 60}])
    symbols = int(tables.value("SELECT count(*) FROM symbols.symbol_universe WHERE status = 'active'"))
    runs = "SELECT count(*) FROM symbols.batch_runs"
    asked_and_allowed = []
    for number in range(KILLS + 1):
        time.sleep(1.1)  # the lease of who was killed runs out
        lacking, begun = missing(tables), int(tables.value(runs))
        resumes = tables.value("SELECT count(*) FROM symbols.batch_runs WHERE state = 'running'")
        layer.forget()
        program = replica(layer, SymbolBatch, "symbol_batch", tmp_path / str(number))
        if number < KILLS:
            kill_after(program, layer, draws.randrange(1, symbols + CHUNK))
        else:
            with program:
                tables.wait("the last session", "SELECT 1 FROM symbols.current_edition WHERE session = $1", LAST)
        more = int(tables.value(runs)) - begun - (0 if resumes else 1)
        asked, allowed = layer.charts(), lacking + symbols * max(more, 0) + CHUNK
        asked_and_allowed.append((asked, allowed))
    print(f"charts asked for by each process, and allowed, of {symbols} symbols a session: {asked_and_allowed}")
    assert all(asked <= allowed for asked, allowed in asked_and_allowed), asked_and_allowed

    done = tables.rows("SELECT session, state, attempt FROM symbols.batch_runs ORDER BY session")
    assert [row["session"] for row in done] == [FIRST, *SLEPT_THROUGH]
    assert all(row["state"].startswith("completed") for row in done), done
    assert sum(row["attempt"] - 1 for row in done) <= KILLS
    editions = tables.rows("SELECT session FROM symbols.editions ORDER BY edition")
    assert [row["session"] for row in editions] == [FIRST, *SLEPT_THROUGH], "in order, each once"
    counts = tables.rows("SELECT edition, count(*) AS n FROM symbols.symbol_daily_metrics GROUP BY edition")
    assert {row["n"] for row in counts} == {symbols}
