"""What commands print: aligned lines for people, or with `--json` one JSON object a line."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import orjson
import typer

MOST_SPELT_OUT = 1e15

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]


def show_list(
    items: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, none: str = "there are none"
) -> None:
    """Print things of one kind: each whole as JSON, or the named columns as a table, or `none` where there are none."""
    if as_json:
        for item in items:
            show(item, as_json=True)
        return
    if not items:
        say(none)
        return
    rows = [list(columns), *([spelt(item.get(column)) for column in columns] for item in items)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show(item: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing: as a line of JSON, or a line for each of its parts."""
    if as_json:
        say(orjson.dumps(item, default=str).decode())
        return
    width = max((len(name) for name in item), default=0)
    for name, value in item.items():
        for line in _lines(value):
            say(f"{name:<{width}}  {line}".rstrip())


def say(line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{line}\n")


def _lines(value: Any) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        return [", ".join(f"{name} {spelt(content)}".strip() for name, content in part.items()) for part in value]
    return [spelt(value)]


def spelt(value: Any) -> str:
    """A value for people: instants in UTC to the second, six digits of a measured figure, nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < MOST_SPELT_OUT else f"{value:.0f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {spelt(content)}" for name, content in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(spelt, value)) or "-"
    return str(value)
