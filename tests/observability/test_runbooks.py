"""Pages for whom an alert wakes: one for each, and nothing in them that is not there."""

import re
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from local_stack.database import Database
from observability.expressions import catalogue, labels_of
from observability.rules import ROOT, alerts, recorded
from riskstream.command_line.main import run

FOLDER = ROOT / "docs" / "runbooks" / "alerts"
PAGES = sorted(FOLDER.glob("*.md"))
HEADINGS = ["## What people notice", "## Look first", "## Why, and how to mend", "## Whom to wake"]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


class Snippet(NamedTuple):
    """A block of a page."""

    page: Path
    language: str
    text: str


def blocks(language: str) -> list[Snippet]:
    return [
        Snippet(page, found[0], found[1])
        for page in PAGES
        for found in _BLOCK.findall(page.read_text())
        if found[0] == language
    ]


def commands(page: Path) -> list[str]:
    """Every line or span of code that begins with `riskstream `, without its comment."""
    text = page.read_text()
    lines = [line for _, block in _BLOCK.findall(text) for line in block.splitlines()]
    spans = _INLINE.findall(_BLOCK.sub("", text))
    return [one.split(" #")[0].strip() for one in (*lines, *spans) if re.match(r"riskstream( |$)", one)]


@cache
def help_of(words: tuple[str, ...]) -> str | None:
    """What the command line says of a command; None if it knows no such command."""
    with redirect_stdout(StringIO()) as told, redirect_stderr(StringIO()):
        code = run([*words, "--help"])
    return told.getvalue() if code == 0 else None


def complaint_about(line: str) -> str | None:
    """What the command line would refuse of `line`; None if it would accept it. Values are not looked at."""
    words = line.split()[1:]
    named = tuple(takewhile(lambda word: re.fullmatch(r"[a-z][a-z-]*", word), words))
    told = help_of(named)
    if not named or told is None:
        return f"{line}: no such command"
    if "COMMAND [ARGS]" in told and "╭─ Commands" in told:
        return f"{line}: says what to work on, and not what to do"
    unknown = [word for word in words if word.startswith("--") and not re.search(rf"{word}\b", told)]
    return f"{line}: no option {', '.join(unknown)}" if unknown else None


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {page.stem for page in PAGES} == {alert.name for alert in alerts()}
    for alert in alerts():
        assert ROOT / alert.annotations["runbook_url"] == FOLDER / f"{alert.name}.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_where_to_look_how_to_mend_and_whom_to_wake(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert lines[0] == f"# {page.stem}"
    assert [line for line in lines if line.startswith("## ")] == HEADINGS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_commands_and_metrics_that_exist(page: Path) -> None:
    assert [said for line in commands(page) if (said := complaint_about(line))] == []
    shown = {*catalogue(), *recorded()}
    named = set(re.findall(r"(?:\w+:)?riskstream_\w+(?::\w+)?", page.read_text()))
    assert {name for name in named if name not in shown and f"{name}_bucket" not in shown} == set()


@pytest.mark.parametrize("snippet", blocks("promql"), ids=lambda snippet: snippet.page.stem)
def test_a_page_asks_prometheus_for_what_services_show(snippet: Snippet) -> None:
    for line in snippet.text.splitlines():
        labels_of(line, recorded())


async def test_a_page_asks_postgres_for_what_it_has(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        for snippet in blocks("sql"):
            await connection.execute(snippet.text)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "line",
    ["riskstream", "riskstream nights list", "riskstream runs mend", "riskstream runs", "riskstream runs list --loud"],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    assert complaint_about(line) is not None


@pytest.mark.parametrize(
    "line", ["riskstream doctor", "riskstream doctor --quiet", "riskstream runs show <session>", "riskstream runs list"]
)
def test_a_command_that_exists_is_accepted(line: str) -> None:
    assert complaint_about(line) is None
