"""Prices and actions in the database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

import asyncpg
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.bulk import copy_rows, copy_upsert
from riskstream.database.engine import driver
from riskstream.database.panels import read_panel
from symbol_batch.actions import CorporateAction
from symbol_batch.bars import NO_BARS, Days, StoredSeries, TradedBars
from symbol_batch.factors.arrays import Floats
from symbol_batch.store.price_rows import PRICE_COLUMNS

Figure: TypeAlias = Literal["open", "high", "low", "close", "volume"]

_FIGURES = ("open", "high", "low", "close", "volume")
_ORIGIN = ("source", "fetched_at")
_ACTION_COLUMNS = ("symbol", "ex_date", "kind", "ratio", "amount", "source", "fetched_at")


# A figure of each session and symbol, the symbol as its place among those asked for.
_ONE_FIGURE = """
SELECT CAST(asked.number - 1 AS integer), bar.session - DATE '1970-01-01', CAST(bar.{figure} AS double precision)
FROM symbols.market_data_cache bar
JOIN unnest($1::text[]) WITH ORDINALITY AS asked (symbol, number) ON asked.symbol = bar.symbol
WHERE bar.session BETWEEN $2 AND $3 AND bar.{figure} IS NOT NULL
"""


async def last_stored(connection: AsyncConnection, symbols: Sequence[str], through: date) -> dict[str, date]:
    """Each symbol's last stored session up to `through`; symbols with nothing stored are left out."""
    rows = await connection.execute(
        text(
            "SELECT asked.symbol, last.session FROM unnest(CAST(:symbols AS text[])) AS asked(symbol) "
            "CROSS JOIN LATERAL (SELECT session FROM symbols.market_data_cache "
            "WHERE symbol = asked.symbol AND session <= :through ORDER BY session DESC LIMIT 1) AS last"
        ),
        {"symbols": list(symbols), "through": through},
    )
    return {row.symbol: row.session for row in rows}


async def stored_bars(
    connection: AsyncConnection, starts: Mapping[str, date], through: date
) -> dict[str, tuple[TradedBars, tuple[str, ...], tuple[datetime, ...]]]:
    """Each symbol's bars from its start to `through`, their sources, and when they were fetched, as arrays.

    Symbols with nothing stored are left out.
    """
    figures = ", ".join(f"array_agg({name} ORDER BY session) AS {name}" for name in (*_FIGURES, *_ORIGIN))
    rows = await connection.execute(
        text(
            f"SELECT symbol, array_agg(session - DATE '1970-01-01' ORDER BY session) AS days, {figures} "  # noqa: S608  # our own names
            "FROM symbols.market_data_cache "
            "JOIN unnest(CAST(:symbols AS text[]), CAST(:starts AS date[])) AS asked(symbol, start) USING (symbol) "
            "WHERE session BETWEEN asked.start AND :through GROUP BY symbol"
        ),
        {"symbols": list(starts), "starts": list(starts.values()), "through": through},
    )
    return {
        row.symbol: (
            TradedBars(_days(row.days), *(np.array(getattr(row, name), dtype=np.float64) for name in _FIGURES)),
            tuple(row.source),
            tuple(row.fetched_at),
        )
        for row in rows
    }


async def stored_series(
    connection: AsyncConnection, starts: Mapping[str, date], through: date, *, actions_before: timedelta
) -> dict[str, StoredSeries]:
    """What is stored of each symbol from its start to `through`, its ledger from `actions_before` that on."""
    bars = await stored_bars(connection, starts, through)
    first = min(starts.values(), default=through) - min(
        actions_before, min(starts.values(), default=through) - date.min
    )
    ledger = await ledger_lines(connection, list(starts), first, through)
    by_symbol: dict[str, list[tuple[CorporateAction, str]]] = {}
    for action, source in ledger:
        by_symbol.setdefault(action.symbol, []).append((action, source))
    return {
        symbol: StoredSeries(
            bars[symbol][0] if symbol in bars else NO_BARS,
            bars[symbol][1] if symbol in bars else (),
            {(action.ex_date, action.kind): action for action, _ in by_symbol.get(symbol, ())},
            {(action.ex_date, action.kind): source for action, source in by_symbol.get(symbol, ())},
        )
        for symbol in starts
    }


async def panel_of(
    connection: AsyncConnection, figure: Figure, symbols: Sequence[str], sessions: Sequence[date]
) -> Floats:
    """A figure (T, S) of increasing `sessions`, a column a symbol, NaN where none is stored."""
    return await read_panel(await driver(connection), _ONE_FIGURE.format(figure=figure), symbols, sessions)


async def actions(
    connection: AsyncConnection, symbols: Sequence[str], first: date, last: date
) -> list[CorporateAction]:
    """The ledger of the symbols between two ex-dates, both included."""
    return [action for action, _ in await ledger_lines(connection, symbols, first, last)]


async def ledger_lines(
    connection: AsyncConnection, symbols: Sequence[str], first: date, last: date
) -> list[tuple[CorporateAction, str]]:
    """The ledger of the symbols between two ex-dates, both included, and the source of each line."""
    rows = await connection.execute(
        text(
            "SELECT symbol, ex_date, kind, ratio, amount, source FROM symbols.corporate_actions "
            "WHERE symbol = ANY(CAST(:symbols AS text[])) AND ex_date BETWEEN :first AND :last ORDER BY symbol, ex_date"
        ),
        {"symbols": list(symbols), "first": first, "last": last},
    )
    return [(CorporateAction(*row[:5]), row.source) for row in rows]


async def add_prices(connection: AsyncConnection, rows: bytes) -> None:
    """Add the bars of `price_rows` that are not stored yet, twice as fast as `insert_prices`.

    Where somebody else has stored one of them meanwhile, a night and a requested symbol at the same moment, theirs
    stays.
    """
    if not rows:
        return
    try:
        async with connection.begin_nested():
            await copy_rows(connection, "symbols.market_data_cache", PRICE_COLUMNS, rows)
    except asyncpg.UniqueViolationError:
        await insert_prices(connection, rows)


async def insert_prices(connection: AsyncConnection, rows: bytes, *, replace: bool = False) -> int:
    """Add the bars of `price_rows`; one that is stored already stays as it is, unless the caller knows it to be wrong.

    Returns how many were written.
    """
    if not rows:
        return 0
    key = ("symbol", "session")
    update = [column for column in PRICE_COLUMNS if column not in key] if replace else []
    return await copy_upsert(connection, "symbols.market_data_cache", PRICE_COLUMNS, rows, key=key, update=update)


async def with_bars_between(connection: AsyncConnection, ranges: Mapping[str, tuple[date, date]]) -> set[str]:
    """The symbols with a bar stored between two days of their own, both included."""
    firsts, lasts = [first for first, _ in ranges.values()], [last for _, last in ranges.values()]
    rows = await connection.execute(
        text(
            "SELECT symbol FROM unnest(CAST(:symbols AS text[]), CAST(:firsts AS date[]), CAST(:lasts AS date[])) "
            "AS asked(symbol, first, last) WHERE EXISTS (SELECT FROM symbols.market_data_cache bar "
            "WHERE bar.symbol = asked.symbol AND bar.session BETWEEN asked.first AND asked.last)"
        ),
        {"symbols": list(ranges), "firsts": firsts, "lasts": lasts},
    )
    return set(rows.scalars())


async def take_out(connection: AsyncConnection, bars: Sequence[tuple[str, date]]) -> None:
    """Remove bars: those that the gate holds back, and those that an operator rejects."""
    if bars:
        await connection.execute(
            text(
                "DELETE FROM symbols.market_data_cache WHERE (symbol, session) IN "
                "(SELECT * FROM unnest(CAST(:symbols AS text[]), CAST(:sessions AS date[])))"
            ),
            {"symbols": [symbol for symbol, _ in bars], "sessions": [session for _, session in bars]},
        )


async def remove_actions(connection: AsyncConnection, gone: Iterable[CorporateAction]) -> None:
    """Take lines out of the ledger."""
    keys = [(action.symbol, action.ex_date, action.kind) for action in gone]
    if keys:
        names, days, kinds = (list(column) for column in zip(*keys, strict=True))
        await connection.execute(
            text(
                "DELETE FROM symbols.corporate_actions WHERE (symbol, ex_date, kind) IN (SELECT * FROM "
                "unnest(CAST(:names AS text[]), CAST(:days AS date[]), CAST(:kinds AS text[])))"
            ),
            {"names": names, "days": days, "kinds": kinds},
        )


async def write_actions(
    connection: AsyncConnection,
    written: Iterable[CorporateAction],
    vanished: Iterable[CorporateAction],
    source: str,
    fetched_at: datetime,
) -> None:
    """Bring the ledger to what the provider says."""
    await remove_actions(connection, vanished)
    rows = [(a.symbol, a.ex_date, a.kind, a.ratio, a.amount, source, fetched_at) for a in written]
    if rows:
        key = ("symbol", "ex_date", "kind")
        update = ("ratio", "amount", "source", "fetched_at")
        await copy_upsert(connection, "symbols.corporate_actions", _ACTION_COLUMNS, rows, key=key, update=update)


async def copy_history(connection: AsyncConnection, old: str, new: str) -> None:
    """Give bars and actions also to another symbol, where it has none of that session or of that kind and day."""
    for table, columns in (("market_data_cache", PRICE_COLUMNS), ("corporate_actions", _ACTION_COLUMNS)):
        rest = ", ".join(columns[1:])
        await connection.execute(
            text(
                f"INSERT INTO symbols.{table} (symbol, {rest}) SELECT :new, {rest} FROM symbols.{table} "  # noqa: S608  # our own names
                "WHERE symbol = :old ON CONFLICT DO NOTHING"
            ),
            {"old": old, "new": new},
        )


def _days(numbers: list[int]) -> Days:
    return np.array(numbers, dtype=np.int64).astype("datetime64[D]")
