"""Riskstream's own programs as members of a stack: the market simulator and the four services."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import httpx

from local_stack.ports import LOOPBACK
from local_stack.server import Server

_ENTRY_POINTS = Path(sys.executable).parent
"""The console scripts of the installed packages stand beside the interpreter."""


class Program(Server):
    """A process of ours, started by its own entry point, ready when its readiness endpoint says so.

    `environment` is called at every start: a program that starts later must be told a later clock.
    """

    ready_path: ClassVar[str] = "/health/ready"

    def __init__(
        self,
        environment: Callable[[], Mapping[str, str]],
        arguments: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self._given_environment = environment
        self._arguments = tuple(arguments)

    @property
    def url(self) -> str:
        """`http://host:port`; raises ServerError before the first start."""
        return f"http://{LOOPBACK}:{self.port}"

    def last_words(self) -> str:
        """The end of its log, for error messages."""
        return self._last_words()

    def run_command(self) -> subprocess.CompletedProcess[str]:
        """Run it to its end instead of starting it: for the commands that a service has beside serving."""
        return subprocess.run(  # noqa: S603 - our own entry points, no shell
            [str(part) for part in Program._command(self)],
            env=self._environment_without_port(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _prepare(self) -> None:
        """Nothing: programs keep their state in the servers."""

    def _command(self) -> Sequence[str | Path]:
        return [_ENTRY_POINTS / self.name, *self._arguments]

    def _environment(self) -> dict[str, str]:
        return self._environment_without_port() | {"RISKSTREAM_HTTP_PORT": str(self.port)}

    def _environment_without_port(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RISKSTREAM_")}
        # BLAS threads of four processes on a few cores only stand in each other's way; matrices here are small.
        single_threaded = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        return inherited | single_threaded | dict(self._given_environment())

    def _ready(self) -> bool:
        try:
            return httpx.get(self.url + self.ready_path, timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False


class MarketSimulator(Program):
    name = "market-simulator"
    ready_path = "/_simulator/symbols"

    def _command(self) -> Sequence[str | Path]:
        return [*super()._command(), "--port", str(self.port)]


class SymbolBatch(Program):
    name = "symbol-batch"


class OperatorCommand(Program):
    """Not to be started: it has commands only."""

    name = "riskstream"


class PortfolioRefresh(Program):
    name = "portfolio-refresh"


class Onboarding(Program):
    name = "onboarding"


class Analytics(Program):
    name = "analytics"
