"""Keeps processes alive that are told to die: each has lives, and each life a place where it ends or freezes."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local_stack.process import Process
from riskstream.messaging.crash_points import EXIT_CODE, PAUSE_VARIABLE, VARIABLE

TESTS = Path(__file__).parents[2]
POLL = 0.05


@dataclass(frozen=True)
class Life:
    """Until the `nth` time that `point` is reached; then death, or, with `frozen`, so many seconds of standstill.

    Only a member's last life may freeze: who wakes lives on, and nobody can tell it where to end then.
    """

    point: str
    nth: int = 1
    frozen: float | None = None

    def environment(self) -> dict[str, str]:
        variable = VARIABLE if self.frozen is None else PAUSE_VARIABLE
        return {variable: f"{self.point}:{self.nth}"}


@dataclass
class Member:
    """One process through all of its lives. After the planned ones it lives as long as it is let."""

    name: str
    arguments: Sequence[str]
    lives: list[Life]
    log: Path
    process: Process | None = None
    life: Life | None = None
    thaw_at: float | None = None


@dataclass
class Supervisor:
    """Starts what it is given, starts again what died as planned, wakes what froze."""

    folder: Path
    program: Sequence[str]
    """Between the interpreter and a member's own arguments."""
    ended: Counter[str] = field(default_factory=Counter)
    """Deaths and standstills that happened, by point."""
    members: list[Member] = field(default_factory=list)

    def add(self, name: str, *arguments: str, lives: Sequence[Life] = ()) -> None:
        member = Member(name, arguments, list(lives), self.folder / f"{name}.log")
        self.members.append(member)
        self._start(member)

    def turn(self) -> None:
        """Look at everybody once; AssertionError with its last words for one that ended otherwise than planned."""
        for member in self.members:
            assert member.process is not None
            code = member.process.exit_code
            if code is not None:
                planned = code == EXIT_CODE and member.life is not None and member.life.frozen is None
                assert planned, f"{member.name} ended with code {code} in {member.life}:\n{member.process.tail()}"
                self._note_end(member)
                member.process.stop()
                self._start(member)
            elif member.life is not None and member.life.frozen is not None:
                self._thaw(member, member.life.frozen)

    def run_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Turn until the condition holds; AssertionError tells who has what before them where it does not in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s; {self.report()}"
            self.turn()
            time.sleep(POLL)

    @property
    def all_lives_ended(self) -> bool:
        return not any(member.lives or member.life for member in self.members)

    def report(self) -> str:
        waiting = {member.name: [member.life, *member.lives] for member in self.members if member.life or member.lives}
        return f"happened: {dict(self.ended)}; to come: {waiting}"

    def dismiss(self, prefix: str) -> None:
        """End the members whose names begin so, at once and for good."""
        for member in [member for member in self.members if member.name.startswith(prefix)]:
            assert member.process is not None
            member.process.kill()
            self.members.remove(member)

    def close(self) -> None:
        self.dismiss("")

    def _start(self, member: Member) -> None:
        member.life = member.lives.pop(0) if member.lives else None
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RISKSTREAM_")}
        member.process = Process(
            [sys.executable, *self.program, *member.arguments],
            log=member.log,
            environment={
                **inherited,
                "PYTHONPATH": str(TESTS),
                # Who dies at a named point flushes nothing, and its last words are the interesting ones.
                "PYTHONUNBUFFERED": "1",
                **(member.life.environment() if member.life else {}),
            },
        )

    def _thaw(self, member: Member, frozen: float) -> None:
        assert member.process is not None
        if member.thaw_at is None:
            if psutil.Process(member.process.pid).status() == psutil.STATUS_STOPPED:
                member.thaw_at = time.monotonic() + frozen
        elif time.monotonic() >= member.thaw_at:
            member.thaw_at = None
            member.process.signal(signal.SIGCONT)
            self._note_end(member)
            member.life = None

    def _note_end(self, member: Member) -> None:
        assert member.life is not None
        self.ended[member.life.point] += 1
