"""What folds need to know, read in one transaction: who begins where, what they hold, and the market it is held on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from uuid import UUID

import asyncpg
import numpy as np

from portfolio_refresh.group import Group
from portfolio_refresh.holdings_as_arrays import expiries, symbols_needed
from portfolio_refresh.start import first_place, fold_start
from portfolio_refresh.store.holdings import (
    HandPrice,
    HeldFlow,
    HeldLot,
    hand_prices,
    held_flows,
    held_lots,
    standings,
)
from portfolio_refresh.store.prices import known_sectors, known_symbols, load_market
from portfolio_refresh.store.states import (
    Edition,
    PortfolioState,
    current_edition,
    portfolio_states,
    sessions_with_prices,
)
from portfolio_refresh.valuation.arrays import DAY, Days

Row = TypeVar("Row", HeldLot, HeldFlow, HandPrice)


@dataclass(slots=True)
class Read:
    """What one read transaction found. Groups are in the order of their work, the least first."""

    groups: list[Group] = field(default_factory=list)
    unchanged: list[UUID] = field(default_factory=list)
    deleted: list[UUID] = field(default_factory=list)
    postponed: list[UUID] = field(default_factory=list)
    edition: Edition | None = None


async def read_groups(
    connection: asyncpg.Connection,
    portfolio_ids: Sequence[UUID],
    from_first: set[UUID],
    most_snapshots: int,
    *,
    since: date | None = None,
) -> Read:
    """Read, inside the caller's transaction, what folds of these portfolios need, grouped by where they begin.

    Whoever has the fewest sessions to fold comes first and waits for nobody who has been away for long. Those in
    `from_first` begin at their first session whatever their head says. Portfolios whose snapshots would come to more
    than `most_snapshots` together are postponed, the longest first, save one.
    """
    read = Read(edition=await current_edition(connection))
    if read.edition is None:
        read.unchanged = list(portfolio_ids)
        return read
    calendar = np.array(await sessions_with_prices(connection, read.edition), dtype=DAY)
    states = await portfolio_states(connection, portfolio_ids, read.edition)
    there = {state.portfolio_id for state in states}
    read.unchanged += [portfolio_id for portfolio_id in portfolio_ids if portfolio_id not in there]
    begins: list[tuple[int, int, PortfolioState]] = []
    for state in states:
        if state.deleted:
            read.deleted.append(state.portfolio_id)
            continue
        start = fold_start(state, calendar, since)
        if start is None:
            read.unchanged.append(state.portfolio_id)
            continue
        first = first_place(state, calendar)
        begins.append((first if state.portfolio_id in from_first else start, first, state))
    starts: dict[tuple[int, bool], list[PortfolioState]] = defaultdict(list)
    snapshots = 0
    for start, first, state in sorted(begins, key=lambda begin: -begin[0]):
        snapshots += len(calendar) - start
        if snapshots > most_snapshots and starts:
            read.postponed.append(state.portfolio_id)
        else:
            starts[start, start == first].append(state)
    await _move_those_without_a_standing(connection, starts, calendar)
    read.groups = await _groups(connection, starts, read.edition, calendar)
    return read


async def _move_those_without_a_standing(
    connection: asyncpg.Connection, starts: dict[tuple[int, bool], list[PortfolioState]], calendar: Days
) -> None:
    """Who has no snapshot of the session before begins at its first session."""
    for start, at_first_session in list(starts):
        if at_first_session:
            continue
        states = starts[start, at_first_session]
        found = await standings(connection, [state.portfolio_id for state in states], calendar[start - 1].item())
        for state in states:
            if state.portfolio_id not in found:
                starts[first_place(state, calendar), True].append(state)
        starts[start, at_first_session] = [state for state in states if state.portfolio_id in found]


async def _groups(
    connection: asyncpg.Connection,
    starts: dict[tuple[int, bool], list[PortfolioState]],
    edition: Edition,
    calendar: Days,
) -> list[Group]:
    all_ids = [state.portfolio_id for states in starts.values() for state in states]
    lots = _by_portfolio(await held_lots(connection, all_ids))
    flows = _by_portfolio(await held_flows(connection, all_ids))
    prices = _by_portfolio(await hand_prices(connection, all_ids))
    groups = []
    for (start, at_first_session), states in sorted(starts.items(), key=lambda item: item[0], reverse=True):
        if not states:
            continue
        ids = [state.portfolio_id for state in states]
        held = [lot for portfolio_id in ids for lot in lots.get(portfolio_id, ())]
        symbols = symbols_needed(held)
        before = {} if at_first_session else await standings(connection, ids, calendar[start - 1].item())
        groups.append(
            Group(
                edition=edition,
                start=start,
                at_first_session=at_first_session,
                states=states,
                standings=before,
                lots=lots,
                flows=flows,
                hand_prices=prices,
                symbols=symbols,
                known=await known_symbols(connection, edition.number, symbols),
                sectors=await known_sectors(connection, symbols),
                market=await load_market(
                    connection,
                    symbols,
                    calendar,
                    start,
                    at_first_session=at_first_session,
                    expiries=expiries(held, calendar),
                ),
            )
        )
    return groups


def _by_portfolio(rows: Sequence[Row]) -> dict[UUID, list[Row]]:
    grouped: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.portfolio_id].append(row)
    return grouped
