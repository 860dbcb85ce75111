"""The one origin, by Compose's proxy and by Kubernetes' route: each address goes to the service that has it."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from kubernetes.manifests import ROOT, rendered

PUBLIC = ("analytics", "onboarding")
PRIVATE = ("portfolio-refresh", "symbol-batch")
FOR_OPERATORS = ("/health", "/metrics", "/docs", "/openapi.json")
EXAMPLES = {"symbol": "BRK-B", "day": "2024-12-16"}
Route = Callable[[str], tuple[str | None, bool]]
"""An address to the service it reaches, if any, and whether an answer may last for minutes there."""


@cache
def _paths(service: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"docs/api/{service}.openapi.json").read_text())["paths"]
    return found


def _address(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: EXAMPLES.get(name[1], "0c9b6a0e-52f1-4f0e-9d5c-0e6a3c1f2b3d"), path)


def _streams(operations: dict[str, Any]) -> bool:
    answers = [answer for one in operations.values() for answer in one["responses"].values()]
    return any("text/event-stream" in answer.get("content", {}) for answer in answers)


def _by_proxy(address: str) -> tuple[str | None, bool]:
    """As nginx looks for a location: expressions first, in their order, then the longest beginning."""
    text = (ROOT / "deploy/compose/nginx.conf").read_text()
    found = [
        (kind or "", place, body)
        for kind, place, body in re.findall(r"^    location (?:(=|~) )?(/?\S*) {\n(.*?)^    }", text, re.M | re.S)
        if not place.startswith("@")
    ]
    bodies = [body for kind, place, body in found if kind == "=" and place == address]
    bodies += [body for kind, place, body in found if kind == "~" and re.search(place, address)]
    beginnings = [(len(place), body) for kind, place, body in found if not kind and address.startswith(place)]
    bodies += [body for _, body in sorted(beginnings, reverse=True)]
    service = re.search(r"proxy_pass http://\$(\w+);", bodies[0])
    return service and service[1], "stream.conf" in bodies[0]


def _by_gateway(address: str) -> tuple[str | None, bool]:
    """Expressions of the whole address first, then the longest beginning by its elements (Gateway API)."""
    [route] = [one for one in rendered("production") if one["kind"] == "HTTPRoute"]
    for path, rule in sorted(
        _matches(route), key=lambda one: (one[0]["type"] != "RegularExpression", -len(one[0]["value"]))
    ):
        whole = path["type"] == "RegularExpression" and re.fullmatch(path["value"], address)
        begins = path["type"] == "PathPrefix" and f"{address}/".startswith(f"{path['value'].rstrip('/')}/")
        if whole or begins:
            return rule["backendRefs"][0]["name"], rule["timeouts"]["request"] == "0s"
    return None, False


def _precedence(match: tuple[dict[str, str], dict[str, Any]]) -> tuple[bool, int]:
    path, _ = match
    return path["type"] != "RegularExpression", -len(path["value"])


def _matches(route: dict[str, Any]) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    for rule in route["spec"]["rules"]:
        yield from ((match["path"], rule) for match in rule["matches"])


routes = pytest.mark.parametrize("route", [_by_proxy, _by_gateway])


@routes
@pytest.mark.parametrize("service", PUBLIC)
def test_every_address_of_the_api_reaches_its_service_and_streams_may_last(route: Route, service: str) -> None:
    for path, operations in _paths(service).items():
        if not path.startswith(FOR_OPERATORS):
            assert route(_address(path)) == (service, _streams(operations)), path


@routes
def test_nothing_of_the_operators_is_reached(route: Route) -> None:
    private = [path for service in PRIVATE for path in _paths(service)]
    for path in (*private, *FOR_OPERATORS, "/", "/api/v1", "/api/v1/analyticsx/portfolio"):
        assert route(_address(path))[0] is None, path


def test_the_paths_of_one_service_are_none_of_another() -> None:
    public = [{path for path in _paths(service) if not path.startswith(FOR_OPERATORS)} for service in PUBLIC]
    assert all(not one & other for one, other in pairwise(public))
