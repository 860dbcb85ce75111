"""Lots under a name that their symbol does not have any more."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.store.changes import Change, insert_change
from onboarding.store.sessions import published_session

ACTOR = "onboarding"
"""Nobody asked for it: the service does it by itself."""

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
FROM symbols.symbol_renames r, portfolios.portfolios p
WHERE p.portfolio_id = o.portfolio_id AND o.deleted_version IS NULL AND o.owner_id = :owner
  AND o.portfolio_id = ANY (CAST(:portfolios AS uuid[]))
  AND ((o.symbol = r.symbol AND o.investment_class = 'PUBLIC') OR o.underlying_symbol = r.symbol)
  AND EXISTS (SELECT FROM symbols.current_edition c JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
              WHERE m.symbol = r.renamed_to)
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
        said = Change(version=version, first_affected_session=first, changed_at=now, actor=ACTOR, action="lots.rename")
        await insert_change(connection, owner, portfolio, said)
        changes.append((portfolio, version, first))
    return changes
