"""The rules of deploy/observability as data."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from observability.expressions import Labels, labels_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
FILES = sorted((FOLDER / "rules").glob("*.yml"))


@dataclass(frozen=True)
class Alert:
    """One alerting rule."""

    name: str
    expression: str
    severity: str
    annotations: dict[str, str]


def groups() -> list[dict[str, Any]]:
    """The groups of all files, as written."""
    return [group for path in FILES for group in yaml.safe_load(path.read_text())["groups"]]


def alerts() -> list[Alert]:
    """Every alerting rule."""
    return [
        Alert(one["alert"], one["expr"], one.get("labels", {}).get("severity", ""), one.get("annotations", {}))
        for group in groups()
        for one in group["rules"]
        if "alert" in one
    ]


@cache
def recorded() -> dict[str, Labels]:
    """By recorded name its labels. Raises WrongExpression for one that rests on what nobody shows."""
    known: dict[str, Labels] = {}
    for group in groups():
        for one in group["rules"]:
            if "record" in one:
                known[one["record"]] = labels_of(one["expr"], known)
    return known
