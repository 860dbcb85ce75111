"""Profiles, statements and what became of asking for them, in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.bulk import copy_to_temporary
from symbol_batch.company_metrics import CompanyFacts

Kind: TypeAlias = Literal["profile", "fundamentals"]

REPORTED = 3
"""Days after an earnings date until its statements are with the providers."""

_PROFILE_COLUMNS = (
    "symbol", "name", "kind", "sector", "industry", "country", "currency", "shares_outstanding", "trailing_eps",
    "next_earnings", "source", "fetched_at", "fetched_on",
)  # fmt: skip
_LINE_COLUMNS = (
    "symbol", "statement", "frequency", "period_end", "item", "amount", "ratio", "currency", "source", "fetched_at",
)  # fmt: skip
_FETCH_COLUMNS = ("symbol", "kind", "outcome", "detail", "source", "asked_at", "asked_in", "answered_on")

# An earnings date whose statements should be out by :today, and nothing has been answered since.
_REPORTED_SINCE = " OR ".join(
    f"(profile.{earnings} + {REPORTED} <= :today AND past.answered_on < profile.{earnings} + {REPORTED})"
    for earnings in ("next_earnings", "last_earnings")
)
# Never asked first, then those whose asking lies furthest back: what a short night leaves out is first in the next one.
_DUE = f"""
SELECT asked.symbol FROM unnest(CAST(:symbols AS text[])) WITH ORDINALITY AS asked (symbol, place)
LEFT JOIN symbols.company_fetches past ON past.symbol = asked.symbol AND past.kind = :kind
LEFT JOIN symbols.company_profiles profile ON profile.symbol = asked.symbol
WHERE (CAST(:session AS date) IS NULL OR past.asked_in IS DISTINCT FROM :session) AND {{which}}
AND (past.answered_on IS NULL OR {_REPORTED_SINCE} OR {{too_old}})
ORDER BY past.asked_at NULLS FIRST, asked.place
"""  # noqa: S608  # our own words


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A profile as it is stored."""

    symbol: str
    name: str | None
    kind: str
    sector: str | None
    industry: str | None
    country: str | None
    currency: str | None
    shares_outstanding: float | None
    trailing_eps: float | None
    next_earnings: date | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """A figure of a statement as it is stored: an amount or a ratio."""

    symbol: str
    statement: str
    frequency: str
    period_end: date
    item: str
    amount: Decimal | None
    ratio: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class FetchRow:
    """What asking for a symbol came to. `answered` is False for a refusal and for an answer that could not be read."""

    symbol: str
    outcome: str
    detail: str | None
    source: str
    answered: bool


async def due_profiles(
    connection: AsyncConnection, symbols: Sequence[str], *, session: date | None, today: date, days: int
) -> list[str]:
    """Those of `symbols` whose profile was never answered for, or `days` ago or longer, or before an earnings date that
    lies three days back (shares, earnings and the next date are new since). Not those that the session's night has
    asked for; `session` None is between nights.
    """
    statement = _DUE.format(which="true", too_old="past.answered_on + CAST(:days AS integer) <= :today")
    parameters = {"symbols": list(symbols), "kind": "profile", "session": session, "today": today, "days": days}
    return list((await connection.execute(text(statement), parameters)).scalars())


async def due_fundamentals(
    connection: AsyncConnection, symbols: Sequence[str], *, session: date | None, today: date
) -> list[str]:
    """The companies among `symbols` whose statements were never answered for, or not since three days after an earnings
    date. Not funds, nor symbols without a profile, nor those that the session's night has asked.
    """
    statement = _DUE.format(which="profile.kind = 'EQUITY'", too_old="false")
    parameters = {"symbols": list(symbols), "kind": "fundamentals", "session": session, "today": today}
    return list((await connection.execute(text(statement), parameters)).scalars())


async def write_profiles(
    connection: AsyncConnection, rows: Sequence[tuple[ProfileRow, str]], now: datetime, today: date
) -> None:
    """Write (profile, source) over the one before. An earnings date that has passed is kept as the last one."""
    if not rows:
        return
    records = [
        (
            row.symbol, row.name, row.kind, row.sector, row.industry, row.country, row.currency, row.shares_outstanding,
            row.trailing_eps, row.next_earnings, source, now, today,
        )
        for row, source in rows
    ]  # fmt: skip
    incoming = await copy_to_temporary(connection, "symbols.company_profiles", _PROFILE_COLUMNS, records)
    columns = ", ".join(_PROFILE_COLUMNS)
    written = ", ".join(f"{column} = excluded.{column}" for column in _PROFILE_COLUMNS[1:])
    await connection.execute(
        text(
            f"INSERT INTO symbols.company_profiles AS stored ({columns}) SELECT {columns} FROM {incoming} "  # noqa: S608  # our own names
            f"ON CONFLICT (symbol) DO UPDATE SET {written}, last_earnings = CASE "
            "WHEN stored.next_earnings <= excluded.fetched_on "
            "AND stored.next_earnings IS DISTINCT FROM excluded.next_earnings "
            "THEN stored.next_earnings ELSE stored.last_earnings END"
        )
    )


async def write_lines(connection: AsyncConnection, rows: Sequence[tuple[LineRow, str]], now: datetime) -> int:
    """Write (figure, source); returns how many are new or restated. A figure that says the same keeps its time.

    No two rows may be of the same item of the same period. Earlier periods stay, asked for or not.
    """
    if not rows:
        return 0
    records = [
        (
            row.symbol, row.statement, row.frequency, row.period_end, row.item, row.amount, row.ratio, row.currency,
            source, now,
        )
        for row, source in rows
    ]  # fmt: skip
    incoming = await copy_to_temporary(connection, "symbols.fundamentals", _LINE_COLUMNS, records)
    columns = ", ".join(_LINE_COLUMNS)
    written = ", ".join(f"{column} = excluded.{column}" for column in _LINE_COLUMNS[5:])
    result = await connection.execute(
        text(
            f"INSERT INTO symbols.fundamentals AS stored ({columns}) SELECT {columns} FROM {incoming} "  # noqa: S608  # our own names
            f"ON CONFLICT (symbol, statement, frequency, period_end, item) DO UPDATE SET {written} "
            "WHERE (stored.amount, stored.ratio, stored.currency) "
            "IS DISTINCT FROM (excluded.amount, excluded.ratio, excluded.currency)"
        )
    )
    return result.rowcount


async def record_fetches(
    connection: AsyncConnection,
    kind: Kind,
    rows: Sequence[FetchRow],
    *,
    now: datetime,
    today: date,
    session: date | None,
) -> None:
    """Record what asking came to, in the transaction that commits what was answered. `session` is the night's, if any.

    What is no answer leaves the day of the last one.
    """
    if not rows:
        return
    records = [
        (row.symbol, kind, row.outcome, row.detail, row.source, now, session, today if row.answered else None)
        for row in rows
    ]
    incoming = await copy_to_temporary(connection, "symbols.company_fetches", _FETCH_COLUMNS, records)
    columns = ", ".join(_FETCH_COLUMNS)
    written = ", ".join(f"{column} = excluded.{column}" for column in _FETCH_COLUMNS[2:-1])
    await connection.execute(
        text(
            f"INSERT INTO symbols.company_fetches AS stored ({columns}) SELECT {columns} FROM {incoming} "  # noqa: S608  # our own names
            f"ON CONFLICT (symbol, kind) DO UPDATE SET {written}, "
            "answered_on = coalesce(excluded.answered_on, stored.answered_on)"
        )
    )


async def copy_company(connection: AsyncConnection, old: str, new: str) -> None:
    """Give a company's profile and statements also to its new name; what that has of its own stays as it is."""
    for table, columns in (("company_profiles", (*_PROFILE_COLUMNS, "last_earnings")), ("fundamentals", _LINE_COLUMNS)):
        rest = ", ".join(columns[1:])
        await connection.execute(
            text(
                f"INSERT INTO symbols.{table} (symbol, {rest}) SELECT :new, {rest} FROM symbols.{table} "  # noqa: S608  # our own names
                "WHERE symbol = :old ON CONFLICT DO NOTHING"
            ),
            {"old": old, "new": new},
        )


async def sectors(connection: AsyncConnection, symbols: Sequence[str]) -> dict[str, str]:
    """The sector of each of `symbols` that has one: a GICS name, or ETF."""
    rows = await connection.execute(
        text(
            "SELECT symbol, sector FROM symbols.company_profiles "
            "WHERE symbol = ANY(CAST(:symbols AS text[])) AND sector IS NOT NULL"
        ),
        {"symbols": list(symbols)},
    )
    return {row.symbol: row.sector for row in rows}


async def company_facts(connection: AsyncConnection, symbols: Sequence[str]) -> dict[str, CompanyFacts]:
    """What daily metrics need of each of `symbols` that has a profile."""
    rows = await connection.execute(
        text(
            "SELECT symbol, sector, shares_outstanding, trailing_eps, fetched_on FROM symbols.company_profiles "
            "WHERE symbol = ANY(CAST(:symbols AS text[]))"
        ),
        {"symbols": list(symbols)},
    )
    return {row.symbol: CompanyFacts(*row[1:]) for row in rows}
