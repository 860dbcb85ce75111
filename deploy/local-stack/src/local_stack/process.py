"""Child processes that never outlive us."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.errors import ServerFailed, StartAbandoned

# The guardian holds the reading end of a pipe from us. A word on it means that the child was stopped; its end
# without a word means that we are gone, however we went: then it stops the child's process group and removes
# the folder. A signal that asks for the parent's death would not do: it fires when the starting *thread* ends.
_GUARDIAN = """
trap '' INT TERM HUP
read -r _ && exit 0
kill -s CONT -- "-$1" 2>/dev/null
kill -s "$2" -- "-$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 -- "-$1" 2>/dev/null || break; sleep 0.5; done
kill -s KILL -- "-$1" 2>/dev/null
[ -z "$3" ] || rm -rf -- "$3"
"""

_POLL = 0.02
_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that a process runs as."""

    uid: int
    gid: int


class Process:
    """One child in its own session, watched by a guardian, its output in a log file.

    Its own session, so that Ctrl-C in the terminal reaches us alone and we stop things in order.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphaned_folder: Path | None = None,
    ) -> None:
        """Start `command`. `orphaned_folder` is removed by the guardian if we die without stopping the child."""
        self.log = log
        self._stop_signal = stop_signal
        with log.open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603 - the commands are our own, no shell
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if environment is None else environment),
                cwd="/",
                start_new_session=True,
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            )
        try:
            self._guardian = self._guarded_by(orphaned_folder)
        except BaseException:
            self._child.kill()
            self._child.wait()
            raise

    def _guarded_by(self, orphaned_folder: Path | None) -> subprocess.Popen[bytes]:
        name = self._stop_signal.name.removeprefix("SIG")
        folder = "" if orphaned_folder is None else str(orphaned_folder)
        return subprocess.Popen(  # noqa: S603 - our own script, its arguments are not parsed by the shell
            ["/bin/sh", "-c", _GUARDIAN, "guardian", str(self._child.pid), name, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The child's process id, which is its group's too."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while the child runs."""
        return self._child.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child's process group; nothing happens if it has ended."""
        if self._child.poll() is None:
            os.killpg(self._child.pid, number)

    def stop(self, grace: float = 10.0) -> None:
        """Ask the child to end, wait `grace` seconds, then end it. Works on a paused child too."""
        self.signal(signal.SIGCONT)
        if self._child.poll() is None:
            self._child.send_signal(self._stop_signal)
        try:
            self._child.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
        self._dismiss_guardian()

    def kill(self) -> None:
        """End the child and all of its process group without asking."""
        self.signal(signal.SIGKILL)
        self._child.wait()
        self._dismiss_guardian()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the child's end and give its exit code; raises subprocess.TimeoutExpired."""
        return self._child.wait(timeout)

    def tail(self) -> str:
        """The end of what the child wrote, for error messages."""
        return self.log.read_text(errors="replace")[-_TAIL:].strip()

    def _dismiss_guardian(self) -> None:
        if self._guardian.stdin is not None and not self._guardian.stdin.closed:
            try:
                self._guardian.stdin.write(b"done\n")
                self._guardian.stdin.close()
            except BrokenPipeError:
                pass  # somebody killed the guardian; there is nothing left for it to do
        self._guardian.wait()


def run_tool(
    command: Sequence[str | Path],
    *,
    log: Path,
    abandoned: threading.Event,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> None:
    """Run a command to its end.

    Raises ServerFailed if it fails or takes longer than `timeout` seconds, and StartAbandoned as soon as `abandoned`
    is set; the command has ended by then.
    """
    process = Process(command, log=log, environment=environment, account=account)
    deadline = time.monotonic() + timeout
    try:
        while process.exit_code is None:
            if abandoned.wait(_POLL):
                raise StartAbandoned(f"{command[0]} was stopped half-way")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{command[0]} took longer than {timeout:.0f} s:\n{process.tail()}")
    finally:
        process.stop(grace=2.0)
    if process.exit_code != 0:
        raise ServerFailed(f"{command[0]} ended with code {process.exit_code}:\n{process.tail()}")
