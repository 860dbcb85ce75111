"""Lots of a symbol that goes on under another name, brought to that name.

The symbol layer says which those are. It knows no lots; so they are looked for here, like symbols whose request was
lost: at intervals, by one replica, in the data alone.
"""

from collections import defaultdict
from datetime import date, datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from onboarding import store
from onboarding.ledger import lot_as_json
from onboarding.store import Change, RenamedLots
from riskstream.database.tenancy import act_for_owner
from riskstream.events.portfolio import PortfolioChanged
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock

PORTFOLIOS_AT_ONCE = 500

ACTOR = "onboarding"
"""Nobody asked for it: the service does it by itself."""

log = structlog.get_logger(__name__)


class LotRenamer:
    """Renames lots, raises their portfolios' versions and says `portfolio.changed`, so that they are folded again.

    A lot waits until the current edition contains the new name: its portfolio is never without a price for it.
    """

    def __init__(self, engine: AsyncEngine, outbox: Outbox, clock: Clock, *, at_once: int = PORTFOLIOS_AT_ONCE) -> None:
        self._engine = engine
        self._outbox = outbox
        self._clock = clock
        self._at_once = at_once

    async def apply(self) -> int:
        """Rename until nothing is left to, a transaction for so many portfolios at a time; returns how many there were.

        None where another replica is at it.
        """
        renamed = 0
        while changed := await self._batch():
            renamed += changed
            log.info("lots renamed", portfolios=changed)
        return renamed

    async def _batch(self) -> int:
        async with self._engine.begin() as connection:
            if not await store.try_rename(connection):
                return 0
            by_owner: dict[str, dict[UUID, date]] = defaultdict(dict)
            for owner, portfolio, since in await store.holders_of_renamed(connection, self._at_once):
                by_owner[owner][portfolio] = since
            changed = 0
            for owner, portfolios in by_owner.items():
                await act_for_owner(connection, store.API_ROLE, owner)
                now = self._clock.now()
                renamed = await store.rename_lots(connection, owner, portfolios, now)
                for each in renamed:
                    await store.insert_change(connection, owner, each.portfolio_id, _logged(each, now))
                await self._outbox.publish(connection, [_said(owner, each) for each in renamed])
                changed += len(renamed)
            return changed


def _said(owner: str, renamed: RenamedLots) -> PortfolioChanged:
    return PortfolioChanged(
        portfolio=renamed.portfolio_id,
        owner=owner,
        version=renamed.version,
        first_affected_session=renamed.first_affected_session,
    )


def _logged(renamed: RenamedLots, now: datetime) -> Change:
    return Change(
        version=renamed.version,
        first_affected_session=renamed.first_affected_session,
        changed_at=now,
        actor=ACTOR,
        action="lots.rename",
        before=[lot_as_json(each.position_id, each.was, each.split_from) for each in renamed.lots],
        after=[lot_as_json(each.position_id, each.now, each.split_from) for each in renamed.lots],
    )
