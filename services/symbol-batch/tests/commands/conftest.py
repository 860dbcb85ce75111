"""Operators at their desk: the command `riskstream` on the test's database and market."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from riskstream.command_line.main import run

WORKING = {("runs", "start"), ("runs", "resume"), ("quarantine", "accept"), ("quarantine", "reject"), "backfill"}


@dataclass
class Desk:
    """Runs `riskstream` with the environment that an operator has.

    What does a service's work, and logs it, is a process of its own; what only reads or writes a row runs in this one,
    which spares it seconds of imports.
    """

    environment: dict[str, str]
    clock: Callable[[], str]
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    extra: dict[str, str] = field(default_factory=dict)

    async def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment | {"RISKSTREAM_CLOCK": self.clock()} | self.extra
        if words[0] in WORKING or words[:2] in WORKING:
            program = Path(sys.executable).parent / "riskstream"
            return await asyncio.to_thread(
                subprocess.run, [program, *words], env=environment, capture_output=True, text=True, check=False
            )
        with self.monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("RISKSTREAM_")]:
                patched.delenv(name)
            for name, value in environment.items():
                patched.setenv(name, value)
            self.capsys.readouterr()
            code = await asyncio.to_thread(run, words)
            return subprocess.CompletedProcess(words, code, *self.capsys.readouterr())

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
def desk(database, exchange, clock, monkeypatch, capsys) -> Desk:
    environment = {
        "RISKSTREAM_POSTGRES_DSN": database.dsns["symbol_batch"],
        "RISKSTREAM_YAHOO_URL": exchange.url,
        "RISKSTREAM_HISTORY_FROM": "2024-06-03",
    }
    return Desk(environment, lambda: clock.now().isoformat(), monkeypatch, capsys)
