"""Replicas that die or freeze at a named point, and how a test knows that they did."""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from local_stack.errors import ServerFailed
from local_stack.process import Process
from local_stack.programs import Program
from local_stack.system import System
from riskstream.messaging.crash_points import EXIT_CODE, PAUSE_VARIABLE, VARIABLE

CRASH, PAUSE = VARIABLE, PAUSE_VARIABLE


def replica(
    system: System, kind: type[Program], role: str, folder: Path, more: Mapping[str, str] | None = None
) -> Program:
    """One more process of a service; `more` is added to its environment at its next start, and may be changed."""
    extra = {} if more is None else more
    return kind(lambda: {**system.environment(role), **extra}, folder=folder)


def process_of(program: Program) -> Process:
    assert program._process is not None, f"{program.name} was never started"
    return program._process


def wait_for_crash(program: Program, seconds: float = 60) -> None:
    """The program dies at its crash point, and of nothing else."""
    assert process_of(program).wait(seconds) == EXIT_CODE, program.last_words()


def start_and_crash(program: Program) -> None:
    """Start the program, which dies at its crash point, before or after it is ready."""
    with suppress(ServerFailed):
        program.start()
    wait_for_crash(program)


def wait_until_paused(program: Program, seconds: float = 60) -> None:
    """The program has frozen itself at its pause point."""
    until(f"{program.name} paused", lambda: _is_stopped(program), seconds)


def start_and_pause(program: Program) -> threading.Thread:
    """Start the program, which freezes, perhaps before it is ready; the thread ends when it is."""
    thread = threading.Thread(target=program.start, daemon=True)
    thread.start()
    until(f"{program.name} spawned", lambda: program._process is not None and program.running, 10)
    wait_until_paused(program)
    return thread


def end_in_order(program: Program, seconds: float = 30) -> float:
    """SIGTERM: it must end with exit code 0 within `seconds`; how long it took."""
    began = time.monotonic()
    process = process_of(program)
    process.signal(signal.SIGTERM)
    code = process.wait(seconds)
    assert code == 0, f"{program.name} ended with {code}: {program.last_words()}"
    return time.monotonic() - began


def until(what: str, happened: Callable[[], object], seconds: float = 60, every: float = 0.1) -> None:
    """Wait for something to become true; AssertionError says what did not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(every)


def _is_stopped(program: Program) -> bool:
    process = process_of(program)
    assert process.exit_code is None, f"{program.name} ended: {program.last_words()}"
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
