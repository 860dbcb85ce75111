"""Operators at their desk: the command `riskstream` on the test's database and market."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest


@dataclass
class Desk:
    """Runs `riskstream` as a process of its own, with the environment that an operator has."""

    environment: dict[str, str]
    clock: Callable[[], str]
    extra: dict[str, str] = field(default_factory=dict)

    async def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).parent / "riskstream"
        environment = self.environment | {"RISKSTREAM_CLOCK": self.clock()} | self.extra
        return await asyncio.to_thread(
            subprocess.run, [program, *words], env=environment, capture_output=True, text=True, check=False
        )

    async def done(self, *words: str) -> str:
        """What a command that succeeds prints."""
        ended = await self.run(*words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    async def objects(self, *words: str) -> list[dict[str, Any]]:
        """What it prints with `--json`."""
        return [orjson.loads(line) for line in (await self.done(*words, "--json")).splitlines()]

    async def refusal(self, *words: str) -> tuple[int, str]:
        """Exit code and the one sentence of a command that fails."""
        ended = await self.run(*words)
        assert ended.returncode != 0
        assert ended.stdout == ""
        [sentence] = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
        return ended.returncode, sentence


@pytest.fixture
def desk(database, exchange, clock) -> Desk:
    environment = {
        "RISKSTREAM_POSTGRES_DSN": database.dsns["symbol_batch"],
        "RISKSTREAM_YAHOO_URL": exchange.url,
        "RISKSTREAM_HISTORY_FROM": "2024-06-03",
    }
    return Desk(environment, lambda: clock.now().isoformat())
