"""Operators at their desk: the command `riskstream` on the test's database, and workers that do what they order."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from portfolio_refresh.worker import ChunkWorker
from riskstream.command_line.main import run
from riskstream.events.portfolio import PortfolioRefreshRequested
from riskstream.messaging.errors import is_transient

WORKER = Path(__file__).with_name("worker_process.py")


@dataclass
class Desk:
    """Runs `riskstream refresh` with the environment that an operator has, each in a thread of its own."""

    environment: dict[str, str]
    capsys: pytest.CaptureFixture[str]
    extra: dict[str, str] = field(default_factory=dict)

    async def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In this process: what it prints is captured, so one at a time."""
        with pytest.MonkeyPatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("RISKSTREAM_")]:
                patched.delenv(name)
            for name, value in (self.environment | self.extra).items():
                patched.setenv(name, value)
            self.capsys.readouterr()
            code = await asyncio.to_thread(run, ("refresh", *words))
            return subprocess.CompletedProcess(words, code, *self.capsys.readouterr())

    async def elsewhere(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own: any number at a time."""
        return await _ended([Path(sys.executable).parent / "riskstream", "refresh", *words], self._whole_environment())

    async def worker(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """A process that works all queued chunks."""
        return await _ended([sys.executable, WORKER], self._whole_environment() | environment)

    async def object(self, *words: str) -> dict[str, Any]:
        """What a command that succeeds prints with `--json`."""
        [found] = await self.objects(*words)
        return found

    async def failed(self, *words: str) -> dict[str, Any]:
        """What one prints that ends with 1 because something was left out."""
        ended = await self.run(*words, "--json")
        assert ended.returncode == 1, ended.stdout
        [found] = printed(ended)
        return found

    async def objects(self, *words: str) -> list[dict[str, Any]]:
        ended = await self.run(*words, "--json")
        assert ended.returncode == 0, ended.stderr
        return printed(ended)

    async def refusal(self, *words: str) -> tuple[int, str]:
        """Exit code and the one sentence of a command that fails."""
        ended = await self.run(*words)
        assert ended.returncode != 0
        assert ended.stdout == ""
        [sentence] = ended.stderr.splitlines()
        return ended.returncode, sentence

    def _whole_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RISKSTREAM_")}
        return inherited | self.environment | self.extra


def printed(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The objects on its standard output, among the log lines of a test's own process."""
    return [orjson.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


async def _ended(command: list[str | Path], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def desk(database, capsys) -> Desk:
    return Desk({"RISKSTREAM_POSTGRES_DSN": database.dsns["portfolio_refresh"]}, capsys)


@pytest.fixture
def work(world, engine, folding, outbox, envelope):
    """`await work()`: every chunk ever asked for is delivered to a worker, those that have ended too."""

    async def work_all() -> None:
        worker = ChunkWorker(engine, folding, outbox, "test")
        for number, said in enumerate(await world.said("portfolio.refresh.requested")):
            event = PortfolioRefreshRequested(run=UUID(said["run"]), chunk=said["chunk"])
            await worker.refresh_requested(envelope(event, number))

    return work_all


@pytest.fixture
def working(work):
    """`async with working():` a worker that looks for chunks all the time, as a service does."""

    @asynccontextmanager
    async def while_it_lasts() -> AsyncIterator[None]:
        async def look() -> None:
            while True:
                try:
                    await work()
                except Exception as error:  # what a consumer would deliver again, and anything else after the test
                    if not is_transient(error):
                        failed.append(error)
                await asyncio.sleep(0.05)

        failed: list[Exception] = []

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        assert not failed

    return while_it_lasts
