"""The command `local-stack servers`: what it prints, and that nothing outlives it however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local_stack.kafka import KafkaServer
from local_stack.main import main

COMMAND = [sys.executable, "-m", "local_stack.main", "servers"]
WITHOUT_KAFKA = """
import sys
import local_stack.stack
from local_stack.valkey import ValkeyServer
local_stack.stack.KafkaServer = type("NoKafka", (ValkeyServer,), {"address": property(lambda self: "none:0")})
from local_stack.main import main
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def stack(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command with a Valkey in the place of Kafka: its start takes milliseconds, and the rest is the same."""
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_KAFKA, "servers"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until_up(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert all(lines), process.communicate()[1]
    return lines


def folders_of(pid: int) -> set[Path]:
    """The data folders that stand in the command lines of the guardians below a process."""
    lines = [
        " ".join(child.info["cmdline"] or [])
        for child in psutil.process_iter(["cmdline", "ppid"])
        if child.info["ppid"] == pid
    ]
    return {Path(found) for line in lines for found in re.findall(r"/var/tmp/riskstream-(?:postgres|valkey)-\w+", line)}


def gone(pids: set[int], folders: set[Path], within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) for pid in pids) and not any(folder.exists() for folder in folders):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_whatever_signal_ends_the_command(
    number: signal.Signals, open_folder: Path, descendants: Callable[[int], set[int]]
) -> None:
    with stack(open_folder) as process:
        wait_until_up(process)
        pids = descendants(process.pid)
        folders = folders_of(process.pid)
        assert len(pids) >= 6  # three servers, three guardians
        assert len(folders) == 3
        process.send_signal(number)
        code = process.wait(20)
        assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
        assert gone(pids, folders, within=10)


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.4])
def test_nothing_is_left_when_it_is_interrupted_while_it_starts(
    delay: float, open_folder: Path, descendants: Callable[[int], set[int]]
) -> None:
    with stack(open_folder) as process:
        while not descendants(process.pid):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.02)
        time.sleep(delay)
        pids, folders = descendants(process.pid), folders_of(process.pid)
        for _ in range(5):  # impatient ones must not stop the stopping
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        assert process.communicate(timeout=20)[1].count("Traceback") == 0
        assert process.returncode == 0
        assert gone(pids, folders, within=10)


def test_two_commands_run_at_once_on_ports_of_their_own(open_folder: Path) -> None:
    with stack(open_folder) as one, stack(open_folder) as other:
        wait_until_up(one)
        wait_until_up(other)
        one_ports, other_ports = (listening(process.pid) for process in (one, other))
        assert len(one_ports) == len(other_ports) == 3
        assert one_ports.isdisjoint(other_ports)


def listening(pid: int) -> set[int]:
    below = {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return {c.laddr.port for c in psutil.net_connections("tcp4") if c.pid in below and c.status == psutil.CONN_LISTEN}


def test_the_whole_command_with_kafka_prints_what_services_need(
    kafka_or_skip: KafkaServer, open_folder: Path, descendants: Callable[[int], set[int]]
) -> None:
    kafka_or_skip.close()
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    process = subprocess.Popen(
        [*COMMAND, "--data", str(open_folder / "data")], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        printed = dict(line.removeprefix("export ").strip().split("=", 1) for line in wait_until_up(process))
        pids = descendants(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert set(printed) == {"RISKSTREAM_POSTGRES_DSN", "RISKSTREAM_KAFKA", "RISKSTREAM_REDIS_URL"}
    assert printed["RISKSTREAM_POSTGRES_DSN"].endswith("/riskstream")
    assert gone(pids, set(), within=10)
    assert {path.name for path in (open_folder / "data").iterdir()} == {"postgres", "valkey", "kafka"}


def test_a_machine_without_java_is_told_what_to_install(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(open_folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(open_folder))
    assert main(["servers"]) == 1
    said = capsys.readouterr()
    assert "apt-get install" in said.err
    assert said.out == ""
