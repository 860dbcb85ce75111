"""Every statement of this service. Each function runs in the transaction of the connection it is given.

Requests act as `onboarding_api` for one owner, so that row-level security holds even where a filter here is wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.status import UnknownSymbol

API_ROLE = "onboarding_api"


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

    @property
    def valued_version(self) -> int | None:
        """The version that was valued last; null where none was."""
        return None if self.valuation is None else self.valuation.portfolio_version


@dataclass(frozen=True, slots=True)
class CreationRecord:
    """What was created under a key."""

    portfolio_id: UUID
    request_hash: str
    deleted: bool


_RECORDS = """
SELECT p.portfolio_id, p.name, p.version, p.first_session, p.declared_equity, p.created_at, p.changed_at,
       (SELECT count(*) FROM portfolios.positions o WHERE o.portfolio_id = p.portfolio_id) AS positions,
       h.valuation, h.portfolio_version, h.edition, h.session,
       (SELECT jsonb_agg(jsonb_build_object(
                   'symbol', held.symbol, 'state', CASE WHEN held.known THEN 'ready' ELSE r.state END, 'step', r.step,
                   'attempt', coalesce(r.attempt, 0), 'last_outcome', r.last_outcome, 'reason', r.reason,
                   'detail', r.detail) ORDER BY held.symbol)
        FROM (SELECT public.symbol, EXISTS (SELECT FROM symbols.current_edition c
                                            JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                                            WHERE m.symbol = public.symbol) AS known
              FROM (SELECT DISTINCT o.symbol FROM portfolios.positions o
                    WHERE o.portfolio_id = p.portfolio_id AND o.investment_class = 'PUBLIC' AND o.exit_date IS NULL
                   ) public) held
        LEFT JOIN symbols.symbol_requests r ON r.symbol = held.symbol
        -- Known now, and the valuation does without it still: `ready` is said of what is in the valuation.
        WHERE NOT held.known OR held.symbol = ANY (h.unknown_symbols)) AS unknown
FROM portfolios.portfolios p
LEFT JOIN valuations.valuation_heads h ON h.portfolio_id = p.portfolio_id
WHERE p.owner_id = :owner AND p.deleted_at IS NULL
"""

_RECORD = text(_RECORDS + " AND p.portfolio_id = :portfolio")

_SOME = text(_RECORDS + " AND p.portfolio_id = ANY (CAST(:portfolios AS uuid[]))")

_PAGE = text(
    _RECORDS + " AND (CAST(:after AS uuid) IS NULL OR p.portfolio_id > :after) ORDER BY p.portfolio_id LIMIT :limit"
)

_LOCK_KEY = text("SELECT pg_advisory_xact_lock(hashtextextended(:owner || chr(31) || :key, 0))")

_CREATION = text("""
SELECT c.portfolio_id, c.request_hash, p.deleted_at IS NOT NULL AS deleted
FROM portfolios.creations c JOIN portfolios.portfolios p ON p.portfolio_id = c.portfolio_id
WHERE c.owner_id = :owner AND c.idempotency_key = :key
""")

_INSERT_CREATION = text("""
INSERT INTO portfolios.creations (owner_id, idempotency_key, request_hash, portfolio_id, created_at)
VALUES (:owner, :key, :request_hash, :portfolio, :now)
""")

# A file may be imported again once its portfolio is gone; a key that the caller chose is spent.
_FORGET_FILES = text("""
DELETE FROM portfolios.creations
WHERE owner_id = :owner AND portfolio_id = :portfolio AND starts_with(idempotency_key, :prefix)
""")

_PUBLISHED_SESSION = text("SELECT session FROM symbols.current_edition")
_LATEST_SESSION = text("SELECT max(session) FROM symbols.trading_sessions WHERE session <= :day")
_IS_SESSION = text("SELECT EXISTS (SELECT FROM symbols.trading_sessions WHERE session = :day)")

_UNKNOWN = text("""
SELECT asked.symbol FROM unnest(CAST(:symbols AS text[])) AS asked (symbol)
WHERE NOT EXISTS (SELECT FROM symbols.current_edition c
                  JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                  WHERE m.symbol = asked.symbol)
ORDER BY asked.symbol
""")

_QUEUE = text("""
SELECT count(*) AS pending, count(*) FILTER (WHERE symbol = ANY (CAST(:symbols AS text[]))) AS among_them
FROM symbols.symbol_requests WHERE state IN ('queued', 'running', 'waiting_for_provider')
""")

# In the order in which requests are taken; one that is still on its way to the symbol layer comes behind all.
_AHEAD = text("""
WITH queue AS (SELECT symbol, row_number() OVER (ORDER BY requested_at, symbol) - 1 AS ahead
               FROM symbols.symbol_requests WHERE state IN ('queued', 'running', 'waiting_for_provider'))
SELECT asked.symbol, coalesce(queue.ahead, (SELECT count(*) FROM queue)) AS ahead
FROM unnest(CAST(:symbols AS text[])) AS asked (symbol) LEFT JOIN queue ON queue.symbol = asked.symbol
""")

_INSERT_PORTFOLIO = text("""
INSERT INTO portfolios.portfolios
    (portfolio_id, owner_id, name, version, first_session, declared_equity, created_at, changed_at)
VALUES (:portfolio, :owner, :name, 1, :first_session, :declared_equity, :now, :now)
""")

_INSERT_POSITIONS = text("""
INSERT INTO portfolios.positions
    (position_id, portfolio_id, owner_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date,
     investment_class, investment_subtype, underlying_symbol, strike_price, expiration_date, option_type, entry_fee,
     exit_fee)
SELECT lot.position_id, :portfolio, :owner, lot.symbol, lot.quantity, lot.multiplier, lot.entry_price, lot.entry_date,
       lot.exit_price, lot.exit_date, lot.investment_class, lot.investment_subtype, lot.underlying_symbol,
       lot.strike_price, lot.expiration_date, lot.option_type, lot.entry_fee, lot.exit_fee
FROM unnest(CAST(:position_id AS uuid[]), CAST(:symbol AS text[]), CAST(:quantity AS numeric[]),
            CAST(:multiplier AS numeric[]), CAST(:entry_price AS numeric[]), CAST(:entry_date AS date[]),
            CAST(:exit_price AS numeric[]), CAST(:exit_date AS date[]), CAST(:investment_class AS text[]),
            CAST(:investment_subtype AS text[]), CAST(:underlying_symbol AS text[]), CAST(:strike_price AS numeric[]),
            CAST(:expiration_date AS date[]), CAST(:option_type AS text[]), CAST(:entry_fee AS numeric[]),
            CAST(:exit_fee AS numeric[]))
     AS lot (position_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date,
             investment_class, investment_subtype, underlying_symbol, strike_price, expiration_date, option_type,
             entry_fee, exit_fee)
""")

_LOT_COLUMNS = tuple(field.name for field in fields(Lot))

_LOTS_AT_ONCE = 2_500

_INSERT_FLOWS = text("""
INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind, note)
SELECT flow.flow_id, :portfolio, :owner, flow.flow_date, flow.amount, flow.kind, flow.note
FROM unnest(CAST(:flow_id AS uuid[]), CAST(:flow_date AS date[]), CAST(:amount AS numeric[]), CAST(:kind AS text[]),
            CAST(:note AS text[])) AS flow (flow_id, flow_date, amount, kind, note)
""")

_INSERT_CHANGE = text("""
INSERT INTO portfolios.portfolio_changes (portfolio_id, version, owner_id, first_affected_session, changed_at)
VALUES (:portfolio, :version, :owner, :first_affected_session, :now)
""")

_POSITIONS = text("""
SELECT position_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date, investment_class,
       investment_subtype, underlying_symbol, strike_price, expiration_date, option_type, entry_fee, exit_fee
FROM portfolios.positions WHERE portfolio_id = :portfolio AND owner_id = :owner
ORDER BY symbol, entry_date, position_id
""")

_DELETE = text("""
UPDATE portfolios.portfolios SET deleted_at = :now, changed_at = :now, version = version + 1
WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_at IS NULL
RETURNING version, first_session
""")

_LOCK_SWEEP = text("SELECT pg_try_advisory_xact_lock(hashtext('onboarding sweep'))")

# One index probe for each distinct symbol that is held, however many hold it.
_FORGOTTEN = text("""
WITH RECURSIVE held AS (
    (SELECT symbol FROM portfolios.positions ORDER BY symbol LIMIT 1)
    UNION ALL
    SELECT (SELECT o.symbol FROM portfolios.positions o WHERE o.symbol > held.symbol ORDER BY o.symbol LIMIT 1)
    FROM held WHERE held.symbol IS NOT NULL
)
SELECT held.symbol FROM held
WHERE held.symbol IS NOT NULL
  AND NOT EXISTS (SELECT FROM symbols.current_edition c
                  JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                  WHERE m.symbol = held.symbol)
  AND NOT EXISTS (SELECT FROM symbols.symbol_requests r
                  WHERE r.symbol = held.symbol
                    AND r.state IN ('queued', 'running', 'waiting_for_provider', 'failed'))
  AND EXISTS (SELECT FROM portfolios.positions o JOIN portfolios.portfolios p ON p.portfolio_id = o.portfolio_id
              WHERE o.symbol = held.symbol AND o.investment_class = 'PUBLIC'
                AND (o.exit_date IS NULL OR o.exit_date >= p.first_session)
                AND p.deleted_at IS NULL AND p.changed_at < :before)
ORDER BY held.symbol LIMIT :limit
""")


_NEW_NAMES = text("SELECT symbol, renamed_to FROM symbols.symbol_renames WHERE symbol = ANY (CAST(:symbols AS text[]))")

_LOCK_RENAMES = text("SELECT pg_try_advisory_xact_lock(hashtext('onboarding renames'))")

# From the few renames to the lots, by index: what an option is on counts like what is held.
_HOLDERS_OF_RENAMED = text("""
SELECT p.owner_id, p.portfolio_id, min(held.effective) AS since
FROM (SELECT o.portfolio_id, r.effective, r.renamed_to FROM symbols.symbol_renames r
      JOIN portfolios.positions o ON o.symbol = r.symbol AND o.investment_class = 'PUBLIC'
      UNION ALL
      SELECT o.portfolio_id, r.effective, r.renamed_to FROM symbols.symbol_renames r
      JOIN portfolios.positions o ON o.underlying_symbol = r.symbol) held
JOIN portfolios.portfolios p ON p.portfolio_id = held.portfolio_id
WHERE p.deleted_at IS NULL
  AND EXISTS (SELECT FROM symbols.current_edition c JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
              WHERE m.symbol = held.renamed_to)
GROUP BY p.owner_id, p.portfolio_id ORDER BY p.owner_id, p.portfolio_id LIMIT :limit
""")

_RAISE_VERSIONS = text("""
UPDATE portfolios.portfolios SET version = version + 1, changed_at = :now
WHERE owner_id = :owner AND portfolio_id = ANY (CAST(:portfolios AS uuid[])) AND deleted_at IS NULL
RETURNING portfolio_id, version, first_session
""")

_RENAME_LOTS = text("""
UPDATE portfolios.positions o SET
    symbol = CASE WHEN o.symbol = r.symbol AND o.investment_class = 'PUBLIC' THEN r.renamed_to ELSE o.symbol END,
    underlying_symbol = CASE WHEN o.underlying_symbol = r.symbol THEN r.renamed_to ELSE o.underlying_symbol END
FROM symbols.symbol_renames r
WHERE o.owner_id = :owner AND o.portfolio_id = ANY (CAST(:portfolios AS uuid[]))
  AND ((o.symbol = r.symbol AND o.investment_class = 'PUBLIC') OR o.underlying_symbol = r.symbol)
  AND EXISTS (SELECT FROM symbols.current_edition c JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
              WHERE m.symbol = r.renamed_to)
""")


async def lock_creation(connection: AsyncConnection, owner: str, key: str) -> None:
    """Hold the key to the end of the transaction: a second request with it waits and then sees what was created."""
    await connection.execute(_LOCK_KEY, {"owner": owner, "key": key})


async def find_creation(connection: AsyncConnection, owner: str, key: str) -> CreationRecord | None:
    row = (await connection.execute(_CREATION, {"owner": owner, "key": key})).one_or_none()
    return None if row is None else CreationRecord(row.portfolio_id, row.request_hash, row.deleted)


async def remember_creation(
    connection: AsyncConnection, *, owner: str, key: str, request_hash: str, portfolio: UUID, now: datetime
) -> None:
    values = {"owner": owner, "key": key, "request_hash": request_hash, "portfolio": portfolio, "now": now}
    await connection.execute(_INSERT_CREATION, values)


async def forget_file_creations(connection: AsyncConnection, owner: str, portfolio: UUID, prefix: str) -> None:
    """Forget under which files (keys that begin with `prefix`) the portfolio was created."""
    await connection.execute(_FORGET_FILES, {"owner": owner, "portfolio": portfolio, "prefix": prefix})


async def published_session(connection: AsyncConnection) -> date | None:
    """The session of the current edition; null before the first night."""
    session: date | None = (await connection.execute(_PUBLISHED_SESSION)).scalar()
    return session


async def latest_session(connection: AsyncConnection, day: date) -> date | None:
    """The last trading session on or before `day`; null where none is published."""
    session: date | None = (await connection.execute(_LATEST_SESSION, {"day": day})).scalar()
    return session


async def is_session(connection: AsyncConnection, day: date) -> bool:
    return bool((await connection.execute(_IS_SESSION, {"day": day})).scalar())


async def unknown_symbols(connection: AsyncConnection, symbols: Sequence[str]) -> list[str]:
    """Those of `symbols`, sorted, that the current edition does not contain."""
    return list((await connection.execute(_UNKNOWN, {"symbols": list(symbols)})).scalars())


async def symbol_queue(connection: AsyncConnection, symbols: Sequence[str]) -> tuple[int, int]:
    """How many symbols are being brought in, and how many `symbols` would add to them."""
    row = (await connection.execute(_QUEUE, {"symbols": list(symbols)})).one()
    return row.pending, len(symbols) - row.among_them


async def insert_portfolio(
    connection: AsyncConnection,
    *,
    owner: str,
    portfolio: UUID,
    name: str,
    first_session: date,
    declared_equity: Decimal | None,
    lots: Sequence[Lot],
    now: datetime,
) -> None:
    """The portfolio at version 1 with its positions and its first change."""
    identity = {"portfolio": portfolio, "owner": owner}
    values = {"name": name, "first_session": first_session, "declared_equity": declared_equity, "now": now}
    await connection.execute(_INSERT_PORTFOLIO, identity | values)
    # In slices: while the driver encodes one, the event loop does nothing else.
    for start in range(0, len(lots), _LOTS_AT_ONCE):
        some = lots[start : start + _LOTS_AT_ONCE]
        columns = {name: [getattr(lot, name) for lot in some] for name in _LOT_COLUMNS}
        await connection.execute(_INSERT_POSITIONS, identity | columns | {"position_id": [uuid4() for _ in some]})
    await insert_change(
        connection, owner=owner, portfolio=portfolio, version=1, first_affected_session=first_session, now=now
    )


async def insert_flows(connection: AsyncConnection, *, owner: str, portfolio: UUID, flows: Sequence[CashFlow]) -> None:
    """The flows with which a portfolio is created."""
    if flows:
        columns = {
            "flow_id": [uuid4() for _ in flows],
            "flow_date": [flow.day for flow in flows],
            "amount": [flow.amount for flow in flows],
            "kind": [str(flow.kind) for flow in flows],
            "note": [flow.note for flow in flows],
        }
        await connection.execute(_INSERT_FLOWS, {"portfolio": portfolio, "owner": owner} | columns)


async def insert_change(
    connection: AsyncConnection,
    *,
    owner: str,
    portfolio: UUID,
    version: int,
    first_affected_session: date,
    now: datetime,
) -> None:
    """Where a fold that has not seen `version` yet must start again."""
    values = {"portfolio": portfolio, "version": version, "owner": owner, "now": now}
    await connection.execute(_INSERT_CHANGE, values | {"first_affected_session": first_affected_session})


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


async def positions(connection: AsyncConnection, owner: str, portfolio: UUID) -> list[tuple[UUID, Lot]]:
    """The portfolio's lots with their ids, by symbol and entry date."""
    rows = await connection.execute(_POSITIONS, {"owner": owner, "portfolio": portfolio})
    return [(row.position_id, _lot(row)) for row in rows]


async def mark_deleted(
    connection: AsyncConnection, owner: str, portfolio: UUID, now: datetime
) -> tuple[int, date] | None:
    """The version of the deletion and the portfolio's first session; null where there is no such portfolio."""
    values = {"owner": owner, "portfolio": portfolio, "now": now}
    row = (await connection.execute(_DELETE, values)).one_or_none()
    return None if row is None else (row.version, row.first_session)


async def try_sweep(connection: AsyncConnection) -> bool:
    """Whether this replica is the one to sweep, to the end of the transaction."""
    return bool((await connection.execute(_LOCK_SWEEP)).scalar())


async def forgotten_symbols(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Symbols held since `before` that are unknown, have not failed, and that nobody is working on."""
    return list((await connection.execute(_FORGOTTEN, {"before": before, "limit": limit})).scalars())


async def new_names(connection: AsyncConnection, symbols: Sequence[str]) -> dict[str, str]:
    """The name that each renamed one of `symbols` goes on under."""
    rows = await connection.execute(_NEW_NAMES, {"symbols": list(symbols)})
    return {row.symbol: row.renamed_to for row in rows}


async def try_rename(connection: AsyncConnection) -> bool:
    """Whether this replica is the one to rename lots, to the end of the transaction."""
    return bool((await connection.execute(_LOCK_RENAMES)).scalar())


async def holders_of_renamed(connection: AsyncConnection, limit: int) -> list[tuple[str, UUID, date]]:
    """Owner and portfolio of lots under an old name whose new one is known, and the first session of the new one."""
    rows = await connection.execute(_HOLDERS_OF_RENAMED, {"limit": limit})
    return [(row.owner_id, row.portfolio_id, row.since) for row in rows]


async def rename_lots(
    connection: AsyncConnection, owner: str, since: Mapping[UUID, date], now: datetime
) -> list[tuple[UUID, int, date]]:
    """Bring one owner's portfolios to the new names: (portfolio, new version, first affected session) of each.

    `since` is when each portfolio's first rename took effect; before the portfolio's first session nothing changes, and
    a rename of a session to come changes the published one.
    """
    values = {"owner": owner, "portfolios": list(since), "now": now}
    raised = (await connection.execute(_RAISE_VERSIONS, values)).all()
    await connection.execute(_RENAME_LOTS, values)
    published = await published_session(connection)
    changes = []
    for portfolio, version, first_session in raised:
        first = max(first_session, min(since[portfolio], published or since[portfolio]))
        await insert_change(
            connection, owner=owner, portfolio=portfolio, version=version, first_affected_session=first, now=now
        )
        changes.append((portfolio, version, first))
    return changes


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
    )


def _lot(row: Row[tuple[object, ...]]) -> Lot:
    values = {name: getattr(row, name) for name in _LOT_COLUMNS}
    return Lot(**values | {"investment_class": InvestmentClass(row.investment_class)})
