"""Whether Postgres can be reached."""

import asyncpg
import structlog

from riskstream.messaging.errors import is_transient
from riskstream.runtime.health import State

log = structlog.get_logger(__name__)


class PostgresProbe:
    """Without Postgres no head can be read, and without a head nothing is answered."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._reachable = False

    async def look(self) -> None:
        try:
            await self._pool.fetchval("SELECT 1")
        except Exception as error:
            if not is_transient(error):
                raise
            if self._reachable:
                log.warning("Postgres cannot be reached", error=repr(error))
            self._reachable = False
        else:
            self._reachable = True

    def state(self) -> State:
        return State(ready=self._reachable, detail={"reachable": self._reachable})
