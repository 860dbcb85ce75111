"""Idempotency keys: what was done under which, so that the same request sent again does nothing new."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class CreationRecord:
    """What was created under a key."""

    portfolio_id: UUID
    request_hash: str
    deleted: bool


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
