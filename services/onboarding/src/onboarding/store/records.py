"""A portfolio with everything its status is derived from, read as of one snapshot of the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.status import UnknownSymbol


@dataclass(frozen=True, slots=True)
class Valuation:
    """What the head of a portfolio names: its last valuation and what that was computed from."""

    valuation: int
    portfolio_version: int
    edition: int
    session: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRecord:
    """A portfolio with everything its status is derived from, as of one snapshot of the database."""

    portfolio_id: UUID
    name: str
    version: int
    first_session: date
    declared_equity: Decimal | None
    created_at: datetime
    changed_at: datetime
    positions: int
    valuation: Valuation | None
    unknown: Sequence[UnknownSymbol]
    valuation_failed: str | None
    """Why the version cannot be valued, as portfolio-refresh found; null while it is valued or nothing is known."""

    @property
    def valued_version(self) -> int | None:
        """The version that was valued last; null where none was."""
        return None if self.valuation is None else self.valuation.portfolio_version


_RECORDS = """
SELECT p.portfolio_id, p.name, p.version, p.first_session, p.declared_equity, p.created_at, p.changed_at,
       (SELECT count(*) FROM portfolios.positions o
        WHERE o.portfolio_id = p.portfolio_id AND o.deleted_version IS NULL) AS positions,
       h.valuation, h.portfolio_version, h.edition, h.session,
       (SELECT jsonb_agg(jsonb_build_object(
                   'symbol', held.symbol, 'state', CASE WHEN held.known THEN 'ready' ELSE r.state END, 'step', r.step,
                   'attempt', coalesce(r.attempt, 0), 'last_outcome', r.last_outcome, 'reason', r.reason,
                   'detail', r.detail) ORDER BY held.symbol)
        FROM (SELECT priced.symbol, EXISTS (SELECT FROM symbols.current_edition c
                                            JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                                            WHERE m.symbol = priced.symbol) AS known
              FROM (SELECT o.symbol FROM portfolios.positions o
                    WHERE o.portfolio_id = p.portfolio_id AND o.investment_class = 'PUBLIC' AND o.exit_date IS NULL
                      AND o.deleted_version IS NULL
                    UNION
                    SELECT o.underlying_symbol FROM portfolios.positions o
                    WHERE o.portfolio_id = p.portfolio_id AND o.investment_class = 'OPTIONS' AND o.exit_date IS NULL
                      AND o.underlying_symbol IS NOT NULL AND o.expiration_date IS NOT NULL
                      AND o.deleted_version IS NULL
                   ) priced) held
        LEFT JOIN symbols.symbol_requests r ON r.symbol = held.symbol
        -- Known now, and the valuation does without it still: `ready` is said of what is in the valuation.
        WHERE NOT held.known OR held.symbol = ANY (h.unknown_symbols)) AS unknown,
       (SELECT f.reason || ': ' || f.detail FROM valuations.failing_now f
        WHERE f.portfolio_id = p.portfolio_id) AS valuation_failed
FROM portfolios.portfolios p
LEFT JOIN valuations.valuation_heads h ON h.portfolio_id = p.portfolio_id
WHERE p.owner_id = :owner AND p.deleted_at IS NULL
"""


_RECORD = text(_RECORDS + " AND p.portfolio_id = :portfolio")


_SOME = text(_RECORDS + " AND p.portfolio_id = ANY (CAST(:portfolios AS uuid[]))")


_PAGE = text(
    _RECORDS + " AND (CAST(:after AS uuid) IS NULL OR p.portfolio_id > :after) ORDER BY p.portfolio_id LIMIT :limit"
)


# In the order in which requests are taken; one that is still on its way to the symbol layer comes behind all.
_AHEAD = text("""
WITH queue AS (SELECT symbol, row_number() OVER (ORDER BY requested_at, symbol) - 1 AS ahead
               FROM symbols.symbol_requests WHERE state IN ('queued', 'running', 'waiting_for_provider'))
SELECT asked.symbol, coalesce(queue.ahead, (SELECT count(*) FROM queue)) AS ahead
FROM unnest(CAST(:symbols AS text[])) AS asked (symbol) LEFT JOIN queue ON queue.symbol = asked.symbol
""")


async def find_portfolio(connection: AsyncConnection, owner: str, portfolio: UUID) -> PortfolioRecord | None:
    rows = (await connection.execute(_RECORD, {"owner": owner, "portfolio": portfolio})).all()
    return next(iter(await _records(connection, rows)), None)


async def find_portfolios(
    connection: AsyncConnection, owner: str, portfolios: Sequence[UUID]
) -> dict[UUID, PortfolioRecord]:
    """Those of `portfolios` that there are, by id."""
    rows = await connection.execute(_SOME, {"owner": owner, "portfolios": list(portfolios)})
    return {record.portfolio_id: record for record in await _records(connection, rows.all())}


async def page_of_portfolios(
    connection: AsyncConnection, owner: str, after: UUID | None, limit: int
) -> list[PortfolioRecord]:
    """At most `limit` portfolios in the order of their ids, beginning behind `after`."""
    rows = await connection.execute(_PAGE, {"owner": owner, "after": after, "limit": limit})
    return await _records(connection, rows.all())


async def _records(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[PortfolioRecord]:
    """The portfolios of `rows`; where symbols wait, with how many wait before them."""
    records = [_record(row) for row in rows]
    waiting = {symbol.symbol for record in records for symbol in record.unknown if symbol.waits}
    if not waiting:
        return records
    places = await connection.execute(_AHEAD, {"symbols": sorted(waiting)})
    ahead = {place.symbol: place.ahead for place in places}
    return [
        replace(record, unknown=[replace(symbol, ahead=ahead.get(symbol.symbol)) for symbol in record.unknown])
        for record in records
    ]


def _record(row: Row[tuple[object, ...]]) -> PortfolioRecord:
    valuation = None
    if row.valuation is not None:
        valuation = Valuation(row.valuation, row.portfolio_version, row.edition, row.session)
    return PortfolioRecord(
        portfolio_id=row.portfolio_id,
        name=row.name,
        version=row.version,
        first_session=row.first_session,
        declared_equity=row.declared_equity,
        created_at=row.created_at,
        changed_at=row.changed_at,
        positions=row.positions,
        valuation=valuation,
        unknown=[UnknownSymbol(**symbol) for symbol in row.unknown or ()],
        valuation_failed=row.valuation_failed,
    )
