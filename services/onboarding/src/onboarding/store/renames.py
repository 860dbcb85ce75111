"""Lots under a name that their symbol does not have any more."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.lot import Lot
from onboarding.store.lots import lot_of_row
from onboarding.store.sessions import published_session


@dataclass(frozen=True, slots=True)
class RenamedLot:
    """A lot before and after a symbol of its own went on under another name."""

    position_id: UUID
    was: Lot
    now: Lot
    split_from: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamedLots:
    """The version of a portfolio in which lots came to new names."""

    portfolio_id: UUID
    version: int
    first_affected_session: date
    lots: Sequence[RenamedLot]


_LOCK_RENAMES = text("SELECT pg_try_advisory_xact_lock(hashtext('onboarding renames'))")


# From the few renames to the lots, by index: what an option is on counts like what is held.
_HOLDERS_OF_RENAMED = text("""
SELECT p.owner_id, p.portfolio_id, min(held.effective) AS since
FROM (SELECT o.portfolio_id, r.effective, r.renamed_to FROM symbols.symbol_renames r
      JOIN portfolios.positions o ON o.symbol = r.symbol AND o.investment_class = 'PUBLIC'
        AND o.deleted_version IS NULL
      UNION ALL
      SELECT o.portfolio_id, r.effective, r.renamed_to FROM symbols.symbol_renames r
      JOIN portfolios.positions o ON o.underlying_symbol = r.symbol AND o.deleted_version IS NULL) held
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
    underlying_symbol = CASE WHEN o.underlying_symbol = r.symbol THEN r.renamed_to ELSE o.underlying_symbol END,
    changed_version = p.version
FROM symbols.symbol_renames r, portfolios.portfolios p, portfolios.positions was
WHERE was.position_id = o.position_id AND p.portfolio_id = o.portfolio_id
  AND o.deleted_version IS NULL AND o.owner_id = :owner
  AND o.portfolio_id = ANY (CAST(:portfolios AS uuid[]))
  AND ((o.symbol = r.symbol AND o.investment_class = 'PUBLIC') OR o.underlying_symbol = r.symbol)
  AND EXISTS (SELECT FROM symbols.current_edition c JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
              WHERE m.symbol = r.renamed_to)
RETURNING o.*, was.symbol AS symbol_was, was.underlying_symbol AS underlying_symbol_was
""")


async def try_rename(connection: AsyncConnection) -> bool:
    """Whether this replica is the one to rename lots, to the end of the transaction."""
    return bool((await connection.execute(_LOCK_RENAMES)).scalar())


async def holders_of_renamed(connection: AsyncConnection, limit: int) -> list[tuple[str, UUID, date]]:
    """Owner and portfolio of lots under an old name whose new one is known, and the first session of the new one."""
    rows = await connection.execute(_HOLDERS_OF_RENAMED, {"limit": limit})
    return [(row.owner_id, row.portfolio_id, row.since) for row in rows]


async def rename_lots(
    connection: AsyncConnection, owner: str, since: Mapping[UUID, date], now: datetime
) -> list[RenamedLots]:
    """Bring one owner's portfolios to the new names, each in a version of its own.

    `since` is when each portfolio's first rename took effect; before the portfolio's first session nothing changes, and
    a rename of a session to come changes the published one.
    """
    values = {"owner": owner, "portfolios": list(since), "now": now}
    raised = (await connection.execute(_RAISE_VERSIONS, values)).all()
    lots: dict[UUID, list[RenamedLot]] = defaultdict(list)
    for row in await connection.execute(_RENAME_LOTS, values):
        lot = lot_of_row(row)
        was = replace(lot, symbol=row.symbol_was, underlying_symbol=row.underlying_symbol_was)
        lots[row.portfolio_id].append(RenamedLot(row.position_id, was, lot, row.split_from))
    published = await published_session(connection)
    return [
        RenamedLots(
            portfolio_id=portfolio,
            version=version,
            first_affected_session=max(first_session, min(since[portfolio], published or since[portfolio])),
            lots=lots[portfolio],
        )
        for portfolio, version, first_session in raised
    ]
