"""What all servers of the local stack have in common: the verbs."""

import shutil
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from local_stack.errors import ServerError, ServerFailed, StartAbandoned
from local_stack.folders import temporary_folder
from local_stack.ports import free_port, is_free
from local_stack.process import Account, Process

_ATTEMPTS = 5


class Server(ABC):
    """A server in a folder of its own, on ports that it keeps from its first start to its last.

    `start` waits until the server answers; `stop`, `kill`, `pause`, `resume` and `restart` keep data and ports;
    `close` stops it and removes the folder, unless the folder was given. As a context manager: `start` and `close`.
    One thread uses a server at a time, but `close` may come from another one while it starts.
    """

    name: ClassVar[str]
    ports_needed: ClassVar[int] = 1
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_timeout: ClassVar[float] = 60.0

    def __init__(self, folder: Path | None = None, *, in_memory: bool = False) -> None:
        """Nothing happens before `start`. `folder` keeps the data between runs; without it they are temporary.

        `in_memory` keeps temporary data there where the machine has plenty: for servers with many small files.
        """
        self._in_memory = in_memory
        self._given_folder = None if folder is None else folder.resolve()
        self._folder: Path | None = None
        self._ports: tuple[int, ...] = ()
        self._process: Process | None = None
        self._abandoned = threading.Event()
        self._starting = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the data and the log are; raises ServerError before the first start."""
        if self._folder is None:
            raise ServerError(f"{self.name} has not been started yet: call start() first")
        return self._folder

    @property
    def port(self) -> int:
        """The port that clients connect to; raises ServerError before the first start."""
        if not self._ports:
            raise ServerError(f"{self.name} has not been started yet: call start() first")
        return self._ports[0]

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.exit_code is None

    @property
    def process_id(self) -> int:
        """Of the running process; raises ServerError where none runs."""
        if self._process is None or not self.running:
            raise ServerError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until ready; does nothing if it runs.

        Raises ServerUnavailable if this machine lacks what it needs, ServerFailed if it does not come up.
        Nothing is left running after an error.
        """
        with self._starting:
            if self.running:
                return
            if self._folder is None:
                self._folder = self._make_folder()
            self._prepare()
            self._launch_on_free_ports()

    def stop(self) -> None:
        """Stop in order; data and ports are kept."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """Stop as a power cut does; data and ports are kept."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stop in order and start on the same ports with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process and what is in its group; does nothing where nothing runs.

        Whoever is connected hears nothing more. Postgres serves each connection by a process with a group of its own:
        only its first process stands still, which lets nobody in; who is connected is answered as before.
        """
        if self._process is not None:
            self._process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        if self._process is not None:
            self._process.signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop for good and remove a temporary folder; a start under way in another thread is abandoned."""
        self._abandoned.set()
        with self._starting:
            self.stop()
            if self._folder is not None and self._given_folder is None:
                shutil.rmtree(self._folder)
            self._folder = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the folder ready for the process; comes before every start."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The process's command line on the ports of this run."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether the server answers a question that only a working server can answer."""

    def _environment(self) -> dict[str, str] | None:
        """The process's environment; None for ours."""
        return None

    def _account(self) -> Account | None:
        """Whom the process runs as; None for us."""
        return None

    def _make_folder(self) -> Path:
        if self._given_folder is None:
            return temporary_folder(self.name, in_memory=self._in_memory)
        self._given_folder.mkdir(parents=True, exist_ok=True)
        return self._given_folder

    def _launch_on_free_ports(self) -> None:
        first_start = not self._ports
        for attempt in range(_ATTEMPTS):
            if first_start:
                self._ports = tuple(free_port() for _ in range(self.ports_needed))
            try:
                self._launch()
            except ServerFailed:
                taken = not all(is_free(port) for port in self._ports)
                if first_start:
                    lost_race, self._ports = taken and attempt + 1 < _ATTEMPTS, ()
                    if lost_race:
                        continue
                raise
            return

    def _launch(self) -> None:
        self._raise_if_abandoned()
        self._spawn()
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def _spawn(self) -> None:
        self._process = Process(
            self._command(),
            log=self.folder / f"{self.name}.log",
            environment=self._environment(),
            account=self._account(),
            stop_signal=self.stop_signal,
            orphaned_folder=self._folder if self._given_folder is None else None,
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.start_timeout
        while self.running:
            if self._ready():
                return
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self.name} was not ready within {self.start_timeout:.0f} s:\n{self._last_words()}"
                )
            self._raise_if_abandoned()
            time.sleep(0.05)
        raise ServerFailed(f"{self.name} ended while it started:\n{self._last_words()}")

    def _last_words(self) -> str:
        """The end of the server's log, for error messages."""
        return "" if self._process is None else self._process.tail()

    def _raise_if_abandoned(self) -> None:
        if self._abandoned.is_set():
            raise StartAbandoned(f"{self.name} was closed; make a new one to start again")
