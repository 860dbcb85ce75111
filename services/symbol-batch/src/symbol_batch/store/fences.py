"""Fences: the first statement of every writing transaction, which lets only the present holder of a lease write."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class FencedError(Exception):
    """The lease went to somebody else, or the work was ended. Whoever meets this stops and writes nothing."""


@dataclass(frozen=True, slots=True)
class NightFence:
    """The right to write for a night's run."""

    run_id: UUID
    number: int

    async def hold(self, connection: AsyncConnection) -> None:
        """Keep the lease from changing hands until the transaction ends; FencedError where it has already."""
        await _hold(
            connection,
            "SELECT 1 FROM symbols.batch_runs WHERE run_id = :holder AND fence = :fence AND state = 'running' "
            "FOR SHARE",
            self.run_id,
            self.number,
        )


@dataclass(frozen=True, slots=True)
class RequestFence:
    """The right to write for a requested symbol."""

    symbol: str
    number: int

    async def hold(self, connection: AsyncConnection) -> None:
        """As for `NightFence`."""
        await _hold(
            connection,
            "SELECT 1 FROM symbols.symbol_requests WHERE symbol = :holder AND fence = :fence AND state = 'running' "
            "FOR SHARE",
            self.symbol,
            self.number,
        )


Fence = NightFence | RequestFence


async def _hold(connection: AsyncConnection, statement: str, holder: UUID | str, number: int) -> None:
    if (await connection.execute(text(statement), {"holder": holder, "fence": number})).first() is None:
        raise FencedError(f"fence {number} of {holder} is not the present one: the lease was taken over")
