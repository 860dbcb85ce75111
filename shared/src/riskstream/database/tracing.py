"""Spans of statements: through SQLAlchemy by its events, on the driver itself by asyncpg's query loggers.

Both are hooks that are there for this; nothing is patched. A span has the statement's text without literals, and never
its parameters. Statements that are part of nothing traced, such as polls, have none.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.runtime import tracing

LONGEST_TEXT = 2_000
"""Characters of a statement that a span carries."""

_BEGAN = "riskstream.began"
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_SPACE = re.compile(r"\s+")
_VERB = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|MERGE|COPY|CREATE|DROP|COMMIT|ROLLBACK|SET|LOCK)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\s+(?:INTO\s|FROM\s)?", re.IGNORECASE)
_TARGET = re.compile(
    r"\b(?:INTO|UPDATE|TABLE|COPY)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+|ONLY\s+)?([a-z_][\w.]*)"
    # What is followed by a parenthesis after FROM is a function.
    r"|\bFROM\s+(?:ONLY\s+)?([a-z_][\w.]*)\b(?!\s*\()",
    re.IGNORECASE,
)
_SILENT = ("BEGIN", "ROLLBACK", "SAVEPOINT", "RELEASE", ";")
"""How statements begin that are only in the way of seeing the others."""


def trace_engine(engine: AsyncEngine) -> None:
    """Make a span of each of the engine's statements, and of those on its driver's connections."""
    sync = engine.sync_engine
    event.listen(sync, "before_cursor_execute", _begun)
    event.listen(sync, "after_cursor_execute", _ended)
    event.listen(sync, "handle_error", _failed)
    event.listen(sync, "connect", _connected)


async def trace_connection(connection: asyncpg.Connection) -> None:
    """Make a span of each statement on a connection of the driver: the `init` of a pool."""
    connection.add_query_logger(_logged)


@contextmanager
def copying(statement: str) -> Iterator[None]:
    """Around a COPY, which no hook tells of: `COPY <table>`, or the statement whose rows are read."""
    told = told_of(statement) if tracing.part_of_something() else None
    if told is None:
        yield
        return
    with tracing.call(*told):
        yield


def _begun(connection: Connection, *_: object) -> None:
    connection.info[_BEGAN] = time.perf_counter()


def _ended(connection: Connection, _: object, statement: str, *__: object) -> None:
    if (began := connection.info.pop(_BEGAN, None)) is not None:
        _record(statement, time.perf_counter() - began)


def _failed(context: ExceptionContext) -> None:
    connection = context.connection
    if connection is None or connection.closed or connection.invalidated:
        return  # To look would raise, in the place of the error that is being told.
    began = connection.info.pop(_BEGAN, None)
    if began is not None and context.statement is not None:
        _record(context.statement, time.perf_counter() - began, type(context.original_exception).__name__)


def _connected(adapted: Any, _: object) -> None:
    adapted.driver_connection.add_query_logger(_logged)


def _logged(record: Any) -> None:
    error = None if record.exception is None else type(record.exception).__name__
    _record(record.query, record.elapsed, error)


def _record(statement: str, seconds: float, error: str | None = None) -> None:
    if tracing.part_of_something() and (told := told_of(statement)) is not None:
        name, attributes = told
        tracing.record_call(name, seconds, attributes, error)


@lru_cache(maxsize=1_024)
def told_of(statement: str) -> tuple[str, dict[str, str]] | None:
    """Name and attributes of a statement's span, such as `INSERT symbols.outbox`; None for what is not told."""
    text = _SPACE.sub(" ", _LITERAL.sub("?", statement)).strip()
    if not text or text.upper().startswith(_SILENT):
        return None
    operation, begin = _operation(text)
    target = _TARGET.search(text, begin)
    name = operation if target is None else f"{operation} {target[1] or target[2]}"
    attributes = {
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.query.summary": name,
        "db.query.text": text[:LONGEST_TEXT],
    }
    return name, attributes


def _operation(text: str) -> tuple[str, int]:
    """What a statement does, and where that begins: of one with common table expressions, what it writes."""
    found = _VERB.search(text)
    if text[:5].upper() == "WITH ":
        found = _WRITES.search(text) or found
    if found is None:
        return text.partition(" ")[0].rstrip(";").upper(), 0
    return found[1].upper(), found.start()
