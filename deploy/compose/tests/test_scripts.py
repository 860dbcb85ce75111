"""The scripts that containers run, as they stand, in a folder of the test's own."""

import os
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local_stack.folders import PROJECT
from local_stack.kafka import KafkaServer
from local_stack.ports import free_port

SCRIPTS = PROJECT / "deploy" / "compose"
ISSUER = "https://login.example.com/realms/risk"


def configure(folder: Path, issuer: str | None) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RISKSTREAM_")}
    if issuer is not None:
        environment["RISKSTREAM_AUTH_ISSUER"] = issuer
    return subprocess.run(
        ["sh", str(SCRIPTS / "configure.sh"), str(folder)], env=environment, capture_output=True, text=True, check=False
    )


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_without_an_issuer_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    refused = configure(tmp_path, issuer=None)
    assert refused.returncode == 1
    assert "RISKSTREAM_AUTH_ISSUER=https://" in refused.stderr
    assert "--profile demo" in refused.stderr
    assert not files_in(tmp_path)


def test_each_role_has_a_password_of_its_own_which_its_service_alone_is_told(tmp_path: Path) -> None:
    assert configure(tmp_path, ISSUER).returncode == 0
    made = files_in(tmp_path)
    passwords = {name: made[name].strip() for name in made if name.startswith("passwords/")}
    assert len(set(passwords.values())) == len(passwords) == 8
    assert min(map(len, passwords.values())) == 32
    for role in ("symbol_batch", "portfolio_refresh", "onboarding", "analytics"):
        address = urlsplit(made[f"{role.replace('_', '-')}/riskstream_postgres_dsn"].strip())
        assert (address.username, address.password) == (role, passwords[f"passwords/{role}"])
        told = {name for name, text in made.items() if passwords[f"passwords/{role}"] in text}
        assert told == {f"passwords/{role}", f"{role.replace('_', '-')}/riskstream_postgres_dsn"}


def test_it_can_run_at_every_start_and_passwords_stay(tmp_path: Path) -> None:
    configure(tmp_path, ISSUER)
    before = files_in(tmp_path)
    assert configure(tmp_path, ISSUER).returncode == 0
    assert files_in(tmp_path) == before


def test_no_default_of_the_demo_is_left_where_an_issuer_is_named(tmp_path: Path) -> None:
    (tmp_path / "analytics").mkdir()
    (tmp_path / "analytics" / "riskstream_auth_issuer").write_text("http://issuer:8000\n")
    (tmp_path / "symbol-batch").mkdir()
    (tmp_path / "symbol-batch" / "riskstream_yahoo_url").write_text("http://market-simulator:8000\n")
    configure(tmp_path, ISSUER)
    assert not {"analytics/riskstream_auth_issuer", "symbol-batch/riskstream_yahoo_url"} & files_in(tmp_path).keys()


def test_nothing_that_is_told_can_be_written_by_whoever_reads_it(tmp_path: Path) -> None:
    configure(tmp_path, ISSUER)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o444}


def kafka_answers(port: int) -> int:
    return subprocess.run(
        ["bash", str(SCRIPTS / "kafka-answers.sh"), str(port)], capture_output=True, check=False
    ).returncode


def test_a_broker_that_answers_is_healthy(kafka_server: KafkaServer) -> None:
    assert kafka_answers(kafka_server.port) == 0


def test_where_nobody_listens_no_broker_is_healthy() -> None:
    assert kafka_answers(free_port()) != 0


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: str(path.name))
def test_every_script_is_understood_by_its_shell(script: Path) -> None:
    shell = script.read_text().splitlines()[0].removeprefix("#!").rsplit("/", 1)[-1]
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0
