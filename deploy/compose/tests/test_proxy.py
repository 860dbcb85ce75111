"""The proxy's routes against what the services serve, as their committed OpenAPI documents say it."""

import json
import re
from pathlib import Path

import pytest

from local_stack.folders import PROJECT

CONFIGURATION = (PROJECT / "deploy" / "compose" / "nginx.conf").read_text()
LOCATION = re.compile(r"location (?P<how>=|~)? ?(?P<pattern>[^ {]+) \{\n(?P<body>.*?)\n    \}", re.DOTALL)
LOCATIONS = [(found["how"], found["pattern"], found["body"]) for found in LOCATION.finditer(CONFIGURATION)]
OPERATIONS = {"/health/live", "/health/ready", "/metrics"}


def location_of(path: str) -> str:
    """The block that nginx chooses: an exact one, else the first expression that fits, else the longest prefix."""
    for how, pattern, body in LOCATIONS:
        if how == "=" and path == pattern:
            return body
    for how, pattern, body in LOCATIONS:
        if how == "~" and re.search(pattern, path):
            return body
    fitting = [(len(pattern), body) for how, pattern, body in LOCATIONS if how is None and path.startswith(pattern)]
    return max(fitting)[1]


def paths_of(service: str) -> list[str]:
    document = json.loads((PROJECT / "docs" / "api" / f"{service}.openapi.json").read_text())
    return [path for path in document["paths"] if path not in OPERATIONS]


def is_stream(service: str, path: str) -> bool:
    document = json.loads((PROJECT / "docs" / "api" / f"{service}.openapi.json").read_text())
    answers = document["paths"][path].get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    return "text/event-stream" in answers


CASES = [(service, path) for service in ("onboarding", "analytics") for path in paths_of(service)]


@pytest.mark.parametrize(("service", "path"), CASES)
def test_every_address_of_the_api_leads_to_the_service_that_serves_it(service: str, path: str) -> None:
    asked = re.sub(r"\{[^}]+\}", "0c1f2a3b-0000-4000-8000-000000000000", path)
    assert f"proxy_pass http://${service};" in location_of(asked)


@pytest.mark.parametrize(("service", "path"), CASES)
def test_streams_and_nothing_else_are_passed_on_as_they_come(service: str, path: str) -> None:
    asked = re.sub(r"\{[^}]+\}", "0c1f2a3b-0000-4000-8000-000000000000", path)
    assert ("stream.conf" in location_of(asked)) == is_stream(service, path)


@pytest.mark.parametrize("path", [*sorted(OPERATIONS), "/runs", "/docs", "/", "/api/v1/other"])
def test_what_is_not_for_owners_cannot_be_reached(path: str) -> None:
    assert "proxy_pass" not in location_of(path)


def test_streams_are_not_held_back_and_outlast_the_silence_between_two_heartbeats() -> None:
    stream = Path(PROJECT / "deploy" / "compose" / "nginx-stream.conf").read_text()
    assert "proxy_buffering off;" in stream
    waits = re.search(r"proxy_read_timeout (\d+)s;", stream)
    assert waits is not None
    assert int(waits[1]) >= 2 * 15
