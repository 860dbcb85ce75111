"""What the benchmarks share: servers, a market in Postgres, and processes of ours on them."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from benchmarks.market import Market, fill_symbol_layer
from local_stack.database import Database, copy_database, drop_database, prepare_database
from local_stack.folders import PROJECT, temporary_folder
from local_stack.issuer import Issuer
from local_stack.narrator import Narrator
from local_stack.programs import Program
from local_stack.stack import Servers
from riskstream.messaging.topics import create_topics

PATIENCE = 300.0
"""Seconds that one process may take."""
PASSWORD = secrets.token_urlsafe(12)
TUNING = {
    "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
    "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "30000",
    "RISKSTREAM_LOG_LEVEL": "WARNING",
    # Counted as in production, and never reached: a few owners here ask as much as all of a system's.
    "RISKSTREAM_RATE_READS_PER_MINUTE": "100000000",
    "RISKSTREAM_RATE_WRITES_PER_MINUTE": "100000000",
}

Resource = TypeVar("Resource")


class Bench:
    """Servers start when a benchmark first asks for them. Postgres syncs to disk, as in production."""

    def __init__(self, narrator: Narrator, *, quick: bool) -> None:
        self.narrator = narrator
        self.quick = quick
        self._closing = ExitStack()
        self._copies = 0

    def size(self, full: int, quick: int) -> int:
        """How much of something: `quick` with --quick."""
        return quick if self.quick else full

    @cached_property
    def folder(self) -> Path:
        folder = temporary_folder("bench")
        self._closing.callback(shutil.rmtree, folder)
        return folder

    @cached_property
    def servers(self) -> Servers:
        with self.narrator.step("Postgres, Valkey and Kafka"):
            servers = self._closing.enter_context(Servers())
            asyncio.run(create_topics(servers.kafka.address, PROJECT / "deploy" / "topics.yaml"))
        return servers

    @cached_property
    def issuer(self) -> Issuer:
        return Issuer(self.folder / "issuer")

    @cached_property
    def market(self) -> Market:
        """5,000 symbols; with --quick 500."""
        return Market.made(self.size(5_000, 500))

    @cached_property
    def template(self) -> Database:
        """All schemas, and the market with one published edition: what `database` copies."""
        _ = self.servers
        with self.narrator.step(f"a market of {len(self.market.symbols):,} symbols in Postgres"):
            database = self.empty_database("bench_template")
            asyncio.run(fill_symbol_layer(database, self.market))
            self.run_program("benchmarks.night_process", database.dsns["symbol_batch"], str(self.market.first))
        return database

    def empty_database(self, name: str) -> Database:
        """One more database with all schemas and nothing in them; it stays."""
        return asyncio.run(prepare_database(self.servers.postgres.dsn(), name, self.market.clock(), PASSWORD))

    def keep(self, resource: AbstractContextManager[Resource]) -> Resource:
        """Enter it, and leave it at the end of all benchmarks."""
        return self._closing.enter_context(resource)

    @contextlib.contextmanager
    def database(self, template: Database | None = None) -> Iterator[Database]:
        """A copy of our template, or of another one; gone afterwards."""
        self._copies += 1
        copy = asyncio.run(copy_database(template or self.template, f"bench_{self._copies}", PASSWORD))
        try:
            yield copy
        finally:
            asyncio.run(drop_database(copy))

    def environment(self, database: Database, role: str) -> dict[str, str]:
        """What a service of ours finds the servers by."""
        return {
            "PYTHONPATH": str(PROJECT / "tests"),
            "RISKSTREAM_POSTGRES_DSN": database.dsns[role],
            "RISKSTREAM_KAFKA": self.servers.kafka.address,
            "RISKSTREAM_REDIS_URL": self.servers.valkey.url,
            **self.issuer.environment(),
            **self.market.clock().environment(),
            **TUNING,
        }

    def run_program(
        self, module: str, *arguments: str, given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> Any:
        """Run a module of ours to its end in a process of its own; the JSON that it prints."""
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            input=given,
            # Without a buffer Python drops what a full pipe does not take of a long result.
            env=os.environ | {"PYTHONPATH": str(PROJECT / "tests"), "PYTHONUNBUFFERED": ""} | dict(environment or {}),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        if ended.returncode != 0:
            raise RuntimeError(f"{module} ended with code {ended.returncode}:\n{ended.stderr.decode()[-3000:]}")
        return json.loads(ended.stdout)

    def postgres_version(self) -> str:
        """Empty where no benchmark needed Postgres."""
        if "servers" not in self.__dict__:
            return ""
        return self.servers.postgres.execute("SHOW server_version")

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def processor_seconds(program: Program) -> float:
    """What the process has used so far, user and system, as it says itself: others on the machine do not enter it."""
    text = httpx.get(f"{program.url}/metrics", timeout=10, trust_env=False).text
    found = re.search(r"^process_cpu_seconds_total (\S+)$", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{program.name} does not say how much processor it has used: not on this system")
    return float(found[1])


class Module(Program):
    """A module of the benchmarks as a program that serves HTTP."""

    module: str

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", self.module, *self._arguments]
