"""The simulator as benchmarks use it, and a database that holds a year of its past."""

import time
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench import Bench, Module
from local_stack.database import Database
from local_stack.folders import PROJECT

MODULES = {"PYTHONPATH": str(PROJECT / "tests")}


@dataclass(frozen=True)
class Asked:
    """What the exchange was asked since it last forgot."""

    total: int
    endpoints: dict[str, int]
    most_in_flight: int
    last_at: float
    """When the last request came, on the monotonic clock, which all processes of the machine share."""
    refused: int


class Exchange(Module):
    """See `exchange_process`; its arguments are the file for the past, its last session, and how many symbols."""

    name = "exchange"
    module = "benchmarks.exchange_process"
    start_timeout = 180.0
    _forgot = 0.0

    def slow_down(self, milliseconds: int) -> None:
        """Answer everything so much later, and nothing else that was set before."""
        self._call("DELETE", "faults")
        endpoints = ["chart", "quote", "quoteSummary", "timeseries", "grouped", "aggregates", "splits", "dividends"]
        self._call("POST", "faults", {"kind": "latency", "milliseconds": milliseconds, "endpoints": endpoints})

    def forget(self) -> None:
        """Count requests from now on."""
        self._call("DELETE", "requests")
        self._forgot = time.monotonic()

    def asked(self) -> Asked:
        report = self._call("GET", "requests").json()
        return Asked(
            report["total"],
            report["endpoints"],
            report["max_in_flight"],
            self._forgot + max(request["at"] for request in report["requests"]),
            sum(request["status"] == 429 for request in report["requests"]),  # the status itself
        )

    def listed(self) -> list[str]:
        """Who can be asked for, in the order in which they were made."""
        return [row["symbol"] for row in self._call("GET", "symbols").json() if row["listed"]]

    def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = httpx.request(method, f"{self.url}/_simulator/{path}", json=body, timeout=60, trust_env=False)
        return answer.raise_for_status()


@dataclass(frozen=True)
class Stocked:
    """An exchange on its last session's night, and a database with all sessions before it stored and the one before it
    published. Companies were asked about on that day.
    """

    exchange: Exchange
    database: Database
    tape: Path
    sessions: tuple[date, date]
    """The published one, and the one that is due."""
    filled: dict[str, Any]
    """What storing took: see `backfill_process`."""


@cache
def stocked(bench: Bench) -> Stocked:
    """Made when it is first asked for; 5,000 symbols, with --quick 500."""
    before, session = bench.market.sessions[-2:]
    count, tape = bench.size(5_000, 500), bench.folder / "tape.npz"
    with bench.narrator.step(f"an exchange of {count:,} symbols"):
        arguments = [str(tape), str(before), str(count)]
        exchange = bench.keep(Exchange(lambda: bench.market.clock().environment() | MODULES, arguments))
    database = bench.empty_database("bench_stocked")
    with bench.narrator.step("its past, stored through the intake of prices, and a night"):
        dsn = database.dsns["symbol_batch"]
        filled = bench.run_program("benchmarks.backfill_process", dsn, str(tape), str(before))
    return Stocked(exchange, database, tape, (before, session), filled)
