"""The step "profiles": who every active symbol is, asked when it is missing, a month old, or has reported since."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from symbol_batch.companies.asking import Asking
from symbol_batch.companies.rows import profile_row, sentence
from symbol_batch.companies.storing import Destination, Row, store, unstorable
from symbol_batch.providers.provider import ProfileAnswer, Provider
from symbol_batch.store import companies
from symbol_batch.store.companies import ProfileRow


async def refresh_profiles(
    destination: Destination, provider: Provider, symbols: Sequence[str], *, days: int, seconds: float, chunk: int
) -> dict[str, Any]:
    """Ask for the profiles that are due and store them, a committed chunk at a time; the step's record.

    Due are those that were never answered for, or `days` ago or longer (also with NOT_FOUND), or before an earnings
    date that lies three days back. Nobody is asked about twice in a night, so a refused one waits for the next.
    """
    async with destination.engine.connect() as connection:
        due = await companies.due_profiles(
            connection, symbols, session=destination.session, today=destination.clock.today(), days=days
        )
    asking = Asking(due, provider.profile, chunk=chunk, seconds=seconds)
    async for answers in asking.chunks():
        await store(destination, "profile", [_row(answer) for answer in answers], _write)
    return {
        "due": len(due),
        "asked": asking.outcomes.total(),
        "outcomes": dict(asking.outcomes),
        **({"ended": asking.ended} if asking.ended else {}),
    }


def _row(answer: ProfileAnswer) -> Row[ProfileRow]:
    if answer.profile is None:
        return Row(answer, None, sentence(answer.detail, []))
    try:
        row, reasons = profile_row(answer.symbol, answer.profile)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return unstorable(answer, error)
    return Row(answer, row, sentence(answer.detail, reasons))


async def _write(
    connection: AsyncConnection, rows: Sequence[tuple[ProfileRow, str]], now: datetime, today: date
) -> None:
    await companies.write_profiles(connection, rows, now, today)
