"""Idempotency keys: what was done under which, so that the same request sent again does nothing new."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What was done under a key: to which portfolio, and to which version of it that led."""

    portfolio_id: UUID
    request_hash: str
    operation: str
    version: int
    deleted: bool
    """Whether the portfolio was deleted since."""


_LOCK_KEY = text("SELECT pg_advisory_xact_lock(hashtextextended(:owner || chr(31) || :key, 0))")

_KEY = text("""
SELECT c.portfolio_id, c.request_hash, c.operation, c.version, p.deleted_at IS NOT NULL AS deleted
FROM portfolios.creations c JOIN portfolios.portfolios p ON p.portfolio_id = c.portfolio_id
WHERE c.owner_id = :owner AND c.idempotency_key = :key
""")

_INSERT_KEY = text("""
INSERT INTO portfolios.creations
    (owner_id, idempotency_key, request_hash, portfolio_id, created_at, operation, subject, version)
VALUES (:owner, :key, :request_hash, :portfolio, :now, :operation, :subject, :version)
""")

# A file may be imported again once its portfolio is gone; a key that the caller chose is spent.
_FORGET_FILES = text("""
DELETE FROM portfolios.creations
WHERE owner_id = :owner AND portfolio_id = :portfolio AND starts_with(idempotency_key, :prefix)
""")


async def lock_key(connection: AsyncConnection, owner: str, key: str) -> None:
    """Hold the key to the end of the transaction: a second request with it waits and then sees what was done."""
    await connection.execute(_LOCK_KEY, {"owner": owner, "key": key})


async def find_key(connection: AsyncConnection, owner: str, key: str) -> KeyRecord | None:
    row = (await connection.execute(_KEY, {"owner": owner, "key": key})).one_or_none()
    return None if row is None else KeyRecord(**row._mapping)


async def remember_key(
    connection: AsyncConnection,
    *,
    owner: str,
    key: str,
    request_hash: str,
    portfolio: UUID,
    operation: str,
    subject: UUID | None,
    version: int,
    now: datetime,
) -> None:
    values = {"owner": owner, "key": key, "request_hash": request_hash, "portfolio": portfolio, "now": now}
    await connection.execute(_INSERT_KEY, values | {"operation": operation, "subject": subject, "version": version})


async def forget_file_keys(connection: AsyncConnection, owner: str, portfolio: UUID, prefix: str) -> None:
    """Forget under which files (keys that begin with `prefix`) the portfolio was created."""
    await connection.execute(_FORGET_FILES, {"owner": owner, "portfolio": portfolio, "prefix": prefix})
