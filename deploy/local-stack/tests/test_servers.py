"""The verbs of each server, on real ones."""

import os
import pwd
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.errors import ServerError, ServerFailed, StartAbandoned
from local_stack.kafka import KafkaServer
from local_stack.kafka_metadata import live_brokers
from local_stack.ports import LOOPBACK, free_port
from local_stack.postgres import PostgresServer
from local_stack.server import Server
from local_stack.valkey import ValkeyServer


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(durable=False) as server:
        yield server


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


def tell(server: ValkeyServer, command: str) -> str:
    with socket.create_connection((LOOPBACK, server.port), timeout=5) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(200).decode().strip()


def processes_in(folder: Path) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]


def test_postgres_is_version_18_in_utf8_with_c_sorting_and_no_socket_file(postgres: PostgresServer) -> None:
    said = postgres.execute(
        "SELECT current_setting('server_version'), current_setting('server_encoding'), datcollate,"
        " current_setting('unix_socket_directories'), current_setting('listen_addresses')"
        " FROM pg_database WHERE datname = 'template1'"
    )
    assert said.startswith("18.")
    assert said.split("|")[1:] == ["UTF8", "C.UTF-8", "", LOOPBACK]


def test_postgres_never_runs_as_root(postgres: PostgresServer) -> None:
    assert postgres._process is not None
    expected = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    assert psutil.Process(postgres._process.pid).username() == expected


def test_postgres_refuses_a_wrong_password(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgresServer, "password", "wrong")
    with pytest.raises(ServerFailed, match="password authentication failed"):
        postgres.execute("SELECT 1")


def test_a_failing_statement_is_reported_with_its_database(postgres: PostgresServer) -> None:
    with pytest.raises(ServerFailed, match=r"'postgres'.*no_such_table"):
        postgres.execute("SELECT * FROM no_such_table")


def test_creating_a_database_twice_keeps_its_content(postgres: PostgresServer) -> None:
    postgres.create_database("riskstream")
    postgres.execute("CREATE TABLE kept (n int)", "riskstream")
    postgres.create_database("riskstream")
    assert postgres.execute("SELECT count(*) FROM kept", "riskstream") == "0"


def test_the_password_of_another_role_is_never_guessed(postgres: PostgresServer) -> None:
    with pytest.raises(ValueError, match="symbol_batch"):
        postgres.dsn("symbol_batch")
    assert postgres.dsn("a@b", "p/w", "d") == f"postgresql://a%40b:p%2Fw@{LOOPBACK}:{postgres.port}/d"


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_postgres_comes_back_on_its_port_with_its_data(postgres: PostgresServer, verb: str) -> None:
    postgres.execute("CREATE TABLE kept AS SELECT 7 AS n")
    port = postgres.port
    getattr(postgres, verb)()
    assert not postgres.running
    postgres.start()
    assert postgres.port == port
    assert postgres.execute("SELECT n FROM kept") == "7"


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_valkey_comes_back_on_its_port_with_its_data(valkey: ValkeyServer, verb: str) -> None:
    assert tell(valkey, "SET kept 7") == "+OK"
    port = valkey.port
    time.sleep(1.1)  # its log is written once a second
    getattr(valkey, verb)()
    valkey.start()
    assert valkey.port == port
    assert tell(valkey, "GET kept").splitlines()[-1] == "7"


def test_a_paused_server_answers_nobody_until_it_is_resumed(valkey: ValkeyServer) -> None:
    valkey.pause()
    with socket.create_connection((LOOPBACK, valkey.port), timeout=0.3) as connection:
        connection.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(16)
    valkey.resume()
    assert tell(valkey, "PING") == "+PONG"


def test_a_paused_server_can_be_stopped(valkey: ValkeyServer) -> None:
    valkey.pause()
    began = time.monotonic()
    valkey.stop()
    assert not valkey.running
    assert time.monotonic() - began < 15


def test_kafka_comes_back_on_its_port_after_a_stop_a_kill_and_a_pause(kafka_or_skip: KafkaServer) -> None:
    port = kafka_or_skip.port
    kafka_or_skip.restart()
    assert kafka_or_skip.port == port
    kafka_or_skip.kill()
    with pytest.raises(OSError, match="refused"):
        live_brokers(LOOPBACK, port)
    kafka_or_skip.start()
    assert kafka_or_skip.port == port
    kafka_or_skip.pause()
    with pytest.raises(TimeoutError):
        live_brokers(LOOPBACK, port, timeout=0.3)
    kafka_or_skip.resume()
    assert live_brokers(LOOPBACK, port) == 1


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_closing_leaves_neither_process_nor_folder(kind: type[Server]) -> None:
    server = kind()
    with server:
        folder = server.folder
        assert processes_in(folder)
    assert not processes_in(folder)
    assert not folder.exists()


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_two_of_a_kind_run_at_once(kind: type[Server]) -> None:
    with kind() as one, kind() as other:
        assert one.running
        assert other.running
        assert one.port != other.port
        assert one.folder != other.folder


def test_a_given_folder_keeps_the_data_for_the_next_run(open_folder: Path) -> None:
    with PostgresServer(open_folder / "postgres", durable=False) as first:
        first.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with PostgresServer(open_folder / "postgres", durable=False) as second:
        assert second.execute("SELECT n FROM kept") == "7"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives Postgres to another user")
def test_root_is_told_when_the_folder_lies_where_nobody_may_not_go(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ServerError, match=r"may not enter .*closed.*under /var/tmp"):
        PostgresServer(closed / "postgres").start()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_a_port_lost_to_another_program_is_replaced(kind: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        offered = iter([other.getsockname()[1], free_port()])
        monkeypatch.setattr("local_stack.server.free_port", lambda: next(offered))
        with kind() as server:
            assert server.port != other.getsockname()[1]


def test_a_server_that_ends_early_shows_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ValkeyServer, "_command", lambda _: ["/bin/sh", "-c", "echo I cannot; exit 3"])
    server = ValkeyServer()
    with pytest.raises(ServerFailed, match="valkey ended while it started:\nI cannot"):
        server.start()
    folder = server.folder
    server.close()
    assert not folder.exists()


def test_a_server_that_never_answers_is_stopped_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ValkeyServer, "start_timeout", 0.3)
    monkeypatch.setattr(ValkeyServer, "_command", lambda _: ["/bin/sleep", "60"])
    server = ValkeyServer()
    with pytest.raises(ServerFailed, match="not ready within"):
        server.start()
    assert not server.running
    server.close()


def test_a_start_under_way_ends_when_the_server_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ValkeyServer, "_command", lambda _: ["/bin/sleep", "60"])
    server = ValkeyServer()
    caught: list[BaseException] = []

    def start() -> None:
        try:
            server.start()
        except StartAbandoned as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    time.sleep(0.3)
    server.close()
    thread.join(5)
    assert len(caught) == 1
    assert not server.running
    with pytest.raises(StartAbandoned, match="make a new one"):
        server.start()
    server.close()


def test_addresses_are_refused_before_the_first_start() -> None:
    with pytest.raises(ServerError, match="call start"):
        _ = ValkeyServer().url
    with pytest.raises(ServerError, match="call start"):
        _ = PostgresServer().password
