"""Bars that the quality gate holds back, in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.bulk import copy_upsert
from symbol_batch.actions import CorporateAction
from symbol_batch.bars import TradedBars

State: TypeAlias = Literal["pending", "confirmed", "accepted", "rejected"]
"""pending: nobody has decided. confirmed: a second source or a later answer agrees. accepted and rejected: an operator,
or for rejected a later answer that gives something else, has spoken."""

OUT_OF_USE: tuple[State, ...] = ("pending", "rejected")
"""A bar in these states is in no price."""

_COLUMNS = (
    "symbol", "session", "open", "high", "low", "close", "volume", "source", "fetched_at", "actions", "rule", "reason",
    "state", "held_at", "held_in", "decided_at", "decided_by", "note",
)  # fmt: skip
_LISTED = ", ".join(_COLUMNS)


@dataclass(frozen=True)
class QuarantinedBar:
    """A bar as its source gave it, with what goes ex with it, why it was held back, and what became of it.

    `held_in` is the session whose night held it: only the answer of a later one can confirm it.
    """

    symbol: str
    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float
    volume: int | None
    source: str
    fetched_at: datetime
    actions: tuple[CorporateAction, ...]
    rule: str
    reason: str
    state: State
    held_at: datetime
    held_in: date
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None

    @property
    def bars(self) -> TradedBars:
        """The bar as a series of one."""
        figures = (self.open, self.high, self.low, self.close, self.volume)
        return TradedBars(
            np.array([self.session], dtype="datetime64[D]"),
            *(np.array([figure], dtype=np.float64) for figure in figures),
        )


@dataclass(frozen=True)
class Decision:
    """What becomes of a held bar, and who says so: a second source, the answer of a later night, an operator."""

    symbol: str
    session: date
    state: State
    by: str
    note: str | None = None


def quarantined(
    symbol: str,
    bars: TradedBars,
    row: int,
    *,
    source: str,
    fetched_at: datetime,
    actions: Sequence[CorporateAction],
    rule: str,
    reason: str,
    now: datetime,
    held_in: date,
) -> QuarantinedBar:
    """A bar of a series as one to hold back from `now` on."""
    opened, high, low, volume = (
        None if np.isnan(column[row]) else float(column[row])
        for column in (bars.open, bars.high, bars.low, bars.volume)
    )
    return QuarantinedBar(
        symbol=symbol,
        session=bars.days[row].astype(object),
        open=opened,
        high=high,
        low=low,
        close=float(bars.close[row]),
        volume=None if volume is None else int(volume),
        source=source,
        fetched_at=fetched_at,
        actions=tuple(actions),
        rule=rule,
        reason=reason,
        state="pending",
        held_at=now,
        held_in=held_in,
    )


async def quarantined_bars(
    connection: AsyncConnection,
    symbols: Sequence[str] | None = None,
    *,
    states: Sequence[State] | None = None,
    session: date | None = None,
    limit: int | None = None,
) -> list[QuarantinedBar]:
    """The bars that are or were held back, newest session first; without an argument all of them."""
    rows = await connection.execute(
        text(
            f"SELECT {_LISTED} FROM symbols.quarantined_bars "  # noqa: S608  # our own names
            "WHERE (CAST(:symbols AS text[]) IS NULL OR symbol = ANY(CAST(:symbols AS text[]))) "
            "AND (CAST(:states AS text[]) IS NULL OR state = ANY(CAST(:states AS text[]))) "
            "AND session = coalesce(CAST(:session AS date), session) "
            "ORDER BY session DESC, symbol LIMIT :limit"
        ),
        {
            "symbols": None if symbols is None else list(symbols),
            "states": None if states is None else list(states),
            "session": session,
            "limit": limit,
        },
    )
    return [_bar(row) for row in rows]


async def lock(connection: AsyncConnection, symbol: str, session: date) -> QuarantinedBar | None:
    """The bar, so that nobody else decides about it until the transaction ends; None where none is held."""
    rows = await connection.execute(
        text(
            f"SELECT {_LISTED} FROM symbols.quarantined_bars "  # noqa: S608  # our own names
            "WHERE symbol = :symbol AND session = :session FOR UPDATE"
        ),
        {"symbol": symbol, "session": session},
    )
    row = rows.first()
    return None if row is None else _bar(row)


async def hold(connection: AsyncConnection, bars: Sequence[QuarantinedBar]) -> None:
    """Hold bars back; what was decided on an earlier figure of the same session is over."""
    key = ("symbol", "session")
    rows = [tuple(_json(bar.actions) if name == "actions" else getattr(bar, name) for name in _COLUMNS) for bar in bars]
    if rows:
        update = [column for column in _COLUMNS if column not in key]
        await copy_upsert(connection, "symbols.quarantined_bars", _COLUMNS, rows, key=key, update=update)


async def decide(connection: AsyncConnection, decisions: Sequence[Decision], now: datetime) -> None:
    """Record what becomes of held bars."""
    if decisions:
        columns = zip(*((d.symbol, d.session, d.state, d.by, d.note) for d in decisions), strict=True)
        names = ("symbols", "sessions", "states", "by", "notes")
        await connection.execute(
            text(
                "UPDATE symbols.quarantined_bars AS held SET state = decided.state, decided_by = decided.decided_by, "
                "note = decided.note, decided_at = :now FROM unnest(CAST(:symbols AS text[]), "
                "CAST(:sessions AS date[]), CAST(:states AS text[]), CAST(:by AS text[]), CAST(:notes AS text[])) "
                "AS decided (symbol, session, state, decided_by, note) "
                "WHERE held.symbol = decided.symbol AND held.session = decided.session"
            ),
            {**{name: list(column) for name, column in zip(names, columns, strict=True)}, "now": now},
        )


async def out_of_use(connection: AsyncConnection, session: date) -> dict[str, str]:
    """The symbols whose bar of the session is held back and which have no other price of it, with the reason."""
    rows = await connection.execute(
        text(
            "SELECT held.symbol, held.rule || ': ' || held.reason AS why FROM symbols.quarantined_bars held "
            "WHERE held.session = :session AND held.state = ANY(CAST(:states AS text[])) AND NOT EXISTS "
            "(SELECT FROM symbols.traded_bars bar WHERE bar.symbol = held.symbol AND bar.session = held.session)"
        ),
        {"session": session, "states": list(OUT_OF_USE)},
    )
    return {row.symbol: row.why for row in rows}


async def pending_by_rule(connection: AsyncConnection) -> dict[str, int]:
    """How many bars nobody has decided about; a rule by which none is held is left out."""
    rows = await connection.execute(
        text("SELECT rule, count(*) AS bars FROM symbols.quarantined_bars WHERE state = 'pending' GROUP BY rule")
    )
    return {row.rule: row.bars for row in rows}


async def copy_held(connection: AsyncConnection, old: str, new: str) -> None:
    """Give held bars also to another symbol, where it has none of that session."""
    rest = ", ".join(_COLUMNS[1:])
    await connection.execute(
        text(
            f"INSERT INTO symbols.quarantined_bars (symbol, {rest}) SELECT :new, {rest} FROM symbols.quarantined_bars "  # noqa: S608  # our own names
            "WHERE symbol = :old ON CONFLICT DO NOTHING"
        ),
        {"old": old, "new": new},
    )


def _bar(row: Any) -> QuarantinedBar:
    fields = dict(row._mapping)
    lines = fields.pop("actions")
    listed = orjson.loads(lines) if isinstance(lines, str | bytes) else lines
    actions = tuple(
        CorporateAction(row.symbol, date.fromisoformat(line.pop("ex_date")), **line)
        for line in (dict(x) for x in listed)
    )
    return QuarantinedBar(actions=actions, **fields)


def _json(actions: Sequence[CorporateAction]) -> str:
    lines = [
        {"ex_date": action.ex_date.isoformat(), "kind": action.kind, "ratio": action.ratio, "amount": action.amount}
        for action in actions
    ]
    return orjson.dumps(lines).decode()
