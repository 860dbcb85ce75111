"""Every process that is configured wrongly ends at once, with one sentence, and never with the value of a secret."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import analytics.main
import market_simulator.main
import onboarding.main
import portfolio_refresh.main
import riskstream.command_line.main
import symbol_batch.main
from local_stack.issuer import Issuer

PROGRAMS = {
    "symbol-batch": symbol_batch.main.main,
    "portfolio-refresh": portfolio_refresh.main.main,
    "onboarding": onboarding.main.main,
    "analytics": analytics.main.main,
    "market-simulator": market_simulator.main.main,
    "riskstream": riskstream.command_line.main.main,
}
SERVICES = ("symbol-batch", "portfolio-refresh", "onboarding", "analytics")
SECRET = "sesame-open"


@dataclass(frozen=True)
class Wrong:
    """An environment that differs from a right one in `change`, and what must be said."""

    programs: tuple[str, ...]
    change: dict[str, str | None]
    says: tuple[str, ...]
    arguments: tuple[str, ...] = field(default=())


DSN = "postgresql://role:password@127.0.0.1:5432/riskstream"
WRONG = {
    "no database": Wrong(SERVICES, {"RISKSTREAM_POSTGRES_DSN": None}, ("RISKSTREAM_POSTGRES_DSN", "not set", DSN)),
    "a database of another kind": Wrong(
        SERVICES, {"RISKSTREAM_POSTGRES_DSN": f"mysql://root:{SECRET}@db/x"}, ("RISKSTREAM_POSTGRES_DSN", DSN)
    ),
    "nonsense for a database": Wrong(
        SERVICES, {"RISKSTREAM_POSTGRES_DSN": f"postgresql://[{SECRET}"}, ("RISKSTREAM_POSTGRES_DSN", DSN)
    ),
    "no Kafka": Wrong(SERVICES, {"RISKSTREAM_KAFKA": None}, ("RISKSTREAM_KAFKA", "not set", "127.0.0.1:9092")),
    "a Kafka without a port": Wrong(SERVICES, {"RISKSTREAM_KAFKA": "kafka"}, ("RISKSTREAM_KAFKA", "host:port")),
    "no issuer": Wrong(SERVICES, {"RISKSTREAM_AUTH_ISSUER": None}, ("RISKSTREAM_AUTH_ISSUER", "https://login.example")),
    "keys that are not there": Wrong(
        SERVICES, {"RISKSTREAM_AUTH_JWKS_FILE": "/nowhere/keys.json"}, ("RISKSTREAM_AUTH_JWKS_FILE=/nowhere/keys.json",)
    ),
    "a port that is none": Wrong(
        SERVICES, {"RISKSTREAM_HTTP_PORT": "http"}, ("RISKSTREAM_HTTP_PORT", "RISKSTREAM_HTTP_PORT=8")
    ),
    "a clock without a zone": Wrong(SERVICES, {"RISKSTREAM_CLOCK": "2024-12-13T21:00"}, ("RISKSTREAM_CLOCK", "-05:00")),
    "a clock that is none": Wrong(SERVICES, {"RISKSTREAM_CLOCK": "noon"}, ("RISKSTREAM_CLOCK='noon'", "-05:00")),
    "topics that are not there": Wrong(
        SERVICES, {"RISKSTREAM_TOPICS_FILE": "/nowhere"}, ("RISKSTREAM_TOPICS_FILE", "/etc/riskstream/topics.yaml")
    ),
    "no rate": Wrong(SERVICES, {"RISKSTREAM_RATE_READS_PER_MINUTE": "many"}, ("RISKSTREAM_RATE_READS_PER_MINUTE",)),
    "two mistakes": Wrong(
        SERVICES,
        {"RISKSTREAM_KAFKA": None, "RISKSTREAM_POOL_SIZE": "0"},
        ("RISKSTREAM_KAFKA", "RISKSTREAM_POOL_SIZE=10"),
    ),
    "no Redis": Wrong(
        ("analytics",), {"RISKSTREAM_REDIS_URL": None}, ("RISKSTREAM_REDIS_URL", "redis://127.0.0.1:6379")
    ),
    "a Redis of another kind": Wrong(
        ("analytics",), {"RISKSTREAM_REDIS_URL": f"http://:{SECRET}@x"}, ("RISKSTREAM_REDIS_URL", "redis://")
    ),
    "an origin with a path": Wrong(
        ("analytics", "onboarding"), {"RISKSTREAM_CORS_ORIGINS": "https://a/b"}, ("RISKSTREAM_CORS_ORIGINS",)
    ),
    "a provider without its key": Wrong(
        ("symbol-batch",), {"RISKSTREAM_PROVIDERS": "massive"}, ("RISKSTREAM_PROVIDERS", "RISKSTREAM_MASSIVE_KEY=")
    ),
    "no migrator": Wrong(
        ("symbol-batch", "portfolio-refresh", "onboarding"), {}, ("RISKSTREAM_MIGRATOR_DSN", DSN), ("migrate",)
    ),
    "the simulator's clock": Wrong(
        ("market-simulator",), {"RISKSTREAM_CLOCK": "noon"}, ("RISKSTREAM_CLOCK='noon'",), ("--synthetic",)
    ),
    "the simulator's file": Wrong(("market-simulator",), {}, ("/nowhere",), ("--file", "/nowhere")),
    "commands without a database": Wrong(
        ("riskstream",), {"RISKSTREAM_POSTGRES_DSN": None}, ("RISKSTREAM_POSTGRES_DSN", DSN), ("runs", "list")
    ),
    "commands with a wrong one": Wrong(
        ("riskstream",), {"RISKSTREAM_POSTGRES_DSN": SECRET}, ("RISKSTREAM_POSTGRES_DSN", DSN), ("refresh", "list")
    ),
}


@pytest.fixture
def right(tmp_path: Path) -> dict[str, str]:
    """The variables with which every service would start."""
    return {
        "RISKSTREAM_POSTGRES_DSN": "postgresql://nobody:x@127.0.0.1:1/riskstream",
        "RISKSTREAM_KAFKA": "127.0.0.1:1",
        "RISKSTREAM_REDIS_URL": "redis://127.0.0.1:1/0",
        "RISKSTREAM_HTTP_PORT": "0",
        **Issuer(tmp_path / "issuer").environment(),
    }


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_every_process_says_in_one_sentence_which_variable_is_wrong_and_shows_a_right_one(
    right: dict[str, str], wrong: Wrong, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**right, **wrong.change}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    for program in wrong.programs:
        monkeypatch.setattr(sys, "argv", [program, *wrong.arguments])
        with pytest.raises(SystemExit) as ended:
            PROGRAMS[program]()
        printed = capsys.readouterr()
        said = [line for line in printed.err.splitlines() if not line.startswith(("usage:", " "))]
        assert ended.value.code == 2, printed.err
        assert len(said) == 1, printed.err
        assert all(word in said[0] for word in wrong.says), said
        assert SECRET not in printed.err
        assert printed.out == ""


@pytest.mark.parametrize("program", [*SERVICES, "market-simulator"])
def test_a_whole_process_ends_with_a_sentence_and_no_traceback(program: str, right: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RISKSTREAM_")}
        arguments = ["--synthetic", "--symbols", "20", "--port", port] if program == "market-simulator" else []
        ended = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            env={**inherited, **right, "RISKSTREAM_HTTP_PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    told = ended.stderr.splitlines()[-1]
    assert "Address already in use" in told
    assert program == "market-simulator" or "RISKSTREAM_HTTP_PORT" in told
