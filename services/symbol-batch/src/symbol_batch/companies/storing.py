"""Where a step's answers go: a chunk in one transaction under the fence, and one that cannot be stored does not take
the others with it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

import asyncpg
import structlog
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.messaging import crash_points
from riskstream.runtime.clock import Clock
from symbol_batch import telemetry
from symbol_batch.providers.provider import Answer, Outcome
from symbol_batch.store import companies
from symbol_batch.store.companies import FetchRow, Kind
from symbol_batch.store.fences import Fence

_UNSTORABLE = (
    DataError, IntegrityError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError,
    ValueError, TypeError, ArithmeticError,
)  # fmt: skip

Prepared = TypeVar("Prepared")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Destination:
    """`session` and `fence` are the night's; both None between nights."""

    engine: AsyncEngine
    clock: Clock
    session: date | None
    fence: Fence | None


@dataclass(frozen=True)
class Row(Generic[Prepared]):
    """An answer, what is to be stored of it if anything, and the sentence to record with it."""

    answer: Answer
    content: Prepared | None
    detail: str | None


def fetch_row(answer: Answer, detail: str | None) -> FetchRow:
    """What is recorded of an answer. What could not be read is no answer: it is asked for again the next night."""
    answered = not answer.outcome.is_refusal and answer.outcome is not Outcome.BAD_DATA
    return FetchRow(answer.symbol, str(answer.outcome), detail, answer.source, answered)


async def store(
    destination: Destination,
    kind: Kind,
    rows: Sequence[Row[Prepared]],
    write: Callable[[AsyncConnection, Sequence[tuple[Prepared, str]], datetime, date], Awaitable[None]],
) -> None:
    """Write the contents with their sources by `write`, and record what asking came to, in one transaction.

    Where the database refuses the content the chunk is halved until the bad one is alone; that one is recorded as
    BAD_DATA. FencedError where the lease is lost.
    """
    now, today = destination.clock.now(), destination.clock.today()
    try:
        async with destination.engine.begin() as connection:
            if destination.fence is not None:
                await destination.fence.hold(connection)
            contents = [(row.content, row.answer.source) for row in rows if row.content is not None]
            await write(connection, contents, now, today)
            fetched = [fetch_row(row.answer, row.detail) for row in rows]
            await companies.record_fetches(connection, kind, fetched, now=now, today=today, session=destination.session)
    except _UNSTORABLE as error:
        if len(rows) > 1:
            middle = len(rows) // 2
            await store(destination, kind, rows[:middle], write)
            await store(destination, kind, rows[middle:], write)
            return
        if rows[0].content is None:
            raise
        answer = rows[0].answer
        log.warning("an answer cannot be stored", symbol=answer.symbol, kind=kind, error=str(error))
        await store(destination, kind, [unstorable(answer, error)], write)
    else:
        for row in rows:
            telemetry.COMPANY_FETCHES.labels(kind, row.answer.outcome).inc()
        crash_points.reached("night.after_companies_chunk")


def unstorable(answer: Answer, error: Exception) -> Row[Prepared]:
    """The row of an answer that nothing can be stored of."""
    bad = Answer(symbol=answer.symbol, outcome=Outcome.BAD_DATA, source=answer.source)
    return Row(bad, None, f"the answer cannot be stored ({type(error).__name__})")
