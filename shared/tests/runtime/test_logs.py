"""Lines of the log: who says it, within which trace, whoever wrote it; and what never stands in one."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from rehearsal.spans import Kept
from riskstream.runtime import tracing
from riskstream.runtime.clock import Clock
from riskstream.runtime.logs import conceal, configure_logs

Lines = Callable[[], list[dict[str, Any]]]


log = structlog.get_logger(__name__)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard error of a process that logs as JSON."""
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    configure_logs("rehearsal", Clock(), "json", "INFO")
    return text


@pytest.fixture
def lines(written: io.StringIO) -> Lines:
    """What was logged so far."""
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_says_when_and_who_and_which_version(lines: Lines) -> None:
    structlog.get_logger("here").info("night ended", session="2026-03-10")
    (line,) = lines()
    assert (line["event"], line["session"], line["level"], line["logger"]) == (
        "night ended",
        "2026-03-10",
        "info",
        "here",
    )
    assert (line["service"], line["instance"].count(":")) == ("rehearsal", 1)
    assert line["version"]
    assert line["time"].endswith("+00:00")
    assert "trace_id" not in line


def test_a_line_names_the_span_that_it_was_written_in(lines: Lines, spans: Kept) -> None:
    with tracing.span("night"):
        structlog.get_logger("here").info("inside")
        logging.getLogger("somebody.else").warning("inside, too")
    structlog.get_logger("here").info("outside")
    inside, foreign, outside = lines()
    night = spans.only("night").context
    for line in (inside, foreign):
        assert (line["trace_id"], line["span_id"]) == (f"{night.trace_id:032x}", f"{night.span_id:016x}")
    assert "trace_id" not in outside


async def test_a_line_of_a_task_names_the_span_that_the_task_was_begun_in(lines: Lines, spans: Kept) -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        structlog.get_logger("here").info("in a task")
        await asyncio.to_thread(structlog.get_logger("here").info, "in a thread")

    with tracing.span("night"):
        task = asyncio.create_task(work())
    await task
    assert {line["trace_id"] for line in lines()} == {f"{spans.only('night').context.trace_id:032x}"}


async def test_errors_of_the_server_and_of_the_loop_are_lines_too(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=RuntimeError("a route broke"))
    asyncio.get_running_loop().call_exception_handler({"message": "Task exception was never retrieved"})
    of_server, of_loop = lines()
    assert (of_server["logger"], of_server["level"]) == ("uvicorn.error", "error")
    assert "RuntimeError: a route broke" in of_server["exception"]
    assert (of_loop["logger"], of_loop["event"]) == ("asyncio", "Task exception was never retrieved")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql://svc:pa55word@db:5432/risk", "postgresql://svc:***@db:5432/risk"),
        ("redis://:pa55word@cache:6379/0", "redis://:***@cache:6379/0"),
        ("Authorization: Bearer pa55word.abc-DEF_123", "Authorization: Bearer ***"),
        ("{'authorization': 'bearer pa55wordabc'}", "{'authorization': 'bearer ***'}"),
        ("token eyJhbGciOi.eyJpc3MiOi.pa55word was refused", "token *** was refused"),
        ("/portfolios/7/events?ticket=pa55word-_X&x=1", "/portfolios/7/events?ticket=***&x=1"),
        ("http://collector:4318/v1/traces at 10:00 by a@b", "http://collector:4318/v1/traces at 10:00 by a@b"),
        ("a bearer bond, ticket 7, 12:30@noon", "a bearer bond, ticket 7, 12:30@noon"),
    ],
)
def test_secrets_are_taken_out_and_nothing_else(said: str, shown: str) -> None:
    assert conceal(said) == shown


def test_secrets_are_taken_out_of_values_tracebacks_and_other_peoples_lines(written: io.StringIO) -> None:
    dsn = "postgresql://svc:pa55word@db/risk"
    structlog.get_logger("here").warning("lost", error=repr(OSError(dsn)), settings={"dsn": dsn})
    logging.getLogger("asyncio").error("cannot reach %s", dsn, exc_info=ConnectionError(dsn))
    assert written.getvalue().count("***") == 4
    assert "pa55word" not in written.getvalue()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_no_test_sees_what_another_did_to_the_logs(turn: str) -> None:
    assert logging.root.level == logging.WARNING
    with capture_logs() as heard:
        log.info(turn)
    assert [line["event"] for line in heard] == [turn]
    configure_logs("rehearsal", Clock(), "json", "ERROR")
    log.error(turn)
