"""The step "fundamentals": the statements of companies, asked once, and again when new ones have been reported."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from symbol_batch.companies.asking import Asking
from symbol_batch.companies.rows import line_rows, sentence
from symbol_batch.companies.storing import Destination, Row, store, unstorable
from symbol_batch.providers.provider import FundamentalsAnswer, Outcome, Provider
from symbol_batch.store import companies
from symbol_batch.store.companies import LineRow


async def refresh_fundamentals(
    destination: Destination, provider: Provider, symbols: Sequence[str], *, seconds: float, chunk: int
) -> dict[str, Any]:
    """Ask for the statements that are due and store them, a committed chunk at a time; the step's record.

    Due are companies with a profile that were never answered for, or not since three days after an earnings date.
    Nobody is asked about twice in a night, so a refused one waits for the next.
    """
    async with destination.engine.connect() as connection:
        due = await companies.due_fundamentals(
            connection, symbols, session=destination.session, today=destination.clock.today()
        )
    asking = Asking(due, provider.fundamentals, chunk=chunk, seconds=seconds)
    figures = 0
    async for answers in asking.chunks():
        rows = [_row(answer) for answer in answers]
        await store(destination, "fundamentals", rows, _write)
        figures += sum(len(row.content) for row in rows if row.content is not None)
    return {
        "due": len(due),
        "asked": asking.outcomes.total(),
        "outcomes": dict(asking.outcomes),
        "figures": figures,
        **({"ended": asking.ended} if asking.ended else {}),
    }


def _row(answer: FundamentalsAnswer) -> Row[list[LineRow]]:
    if not answer.lines:
        return Row(answer, None, sentence(answer.detail, []))
    try:
        rows, reasons = line_rows(answer.symbol, answer.lines)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return unstorable(answer, error)
    if not rows:
        return Row(replace(answer, outcome=Outcome.BAD_DATA), None, sentence(answer.detail, reasons))
    return Row(answer, rows, sentence(answer.detail, reasons))


async def _write(
    connection: AsyncConnection, rows: Sequence[tuple[list[LineRow], str]], now: datetime, _: date
) -> None:
    await companies.write_lines(connection, [(line, source) for lines, source in rows for line in lines], now)
