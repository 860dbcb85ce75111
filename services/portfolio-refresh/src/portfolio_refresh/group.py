"""Portfolios folded together from one session: rows in, rows out, the arithmetic in between. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from portfolio_refresh.figures_as_rows import position_rows, snapshot_rows
from portfolio_refresh.holdings_as_arrays import as_flows, as_lots, as_opening, check_amounts, symbols_needed
from portfolio_refresh.store.holdings import HandPrice, HeldFlow, HeldLot, Standing
from portfolio_refresh.store.states import Edition, PortfolioState
from portfolio_refresh.store.valuations import PortfolioFold
from portfolio_refresh.valuation.book import Market
from portfolio_refresh.valuation.fold import fold

CELLS_AT_ONCE = 1_000_000
"""Lots × sessions in one go; each takes some 300 bytes of arrays."""

_EPOCH = np.datetime64(0, "D").item()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a portfolio cannot be valued: a stable word and a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Group:
    """What is read for portfolios that are folded from one session on. Lots by portfolio and position id ascending."""

    edition: Edition
    start: int
    at_first_session: bool
    states: Sequence[PortfolioState]
    standings: Mapping[UUID, Standing]
    """The snapshots of the session before `start`; without meaning at a first session."""
    lots: Mapping[UUID, Sequence[HeldLot]]
    flows: Mapping[UUID, Sequence[HeldFlow]]
    hand_prices: Mapping[UUID, Sequence[HandPrice]]
    symbols: Sequence[str]
    known: set[str]
    sectors: Mapping[str, str]
    """By symbol, where it is known."""
    market: Market


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a group: folds to write, faults by portfolio, and those whose past is not what is stored."""

    folds: list[PortfolioFold]
    faults: dict[UUID, Fault]
    history_changed: set[UUID]


def value_group(group: Group) -> Outcome:
    """Value every portfolio of the group from its start to the edition's session."""
    outcome = Outcome([], {}, set())
    sessions = len(group.market.calendar) - group.start
    batch: list[PortfolioState] = []
    cells = 0
    for state in group.states:
        cells += (len(group.lots.get(state.portfolio_id, ())) + 1) * sessions
        batch.append(state)
        if cells >= CELLS_AT_ONCE:
            _value(group, batch, outcome)
            batch, cells = [], 0
    if batch:
        _value(group, batch, outcome)
    return outcome


def _value(group: Group, states: Sequence[PortfolioState], outcome: Outcome) -> None:
    countable = [state for state in states if _amounts_fit(group, state, outcome)]
    if not countable:
        return
    ids = [state.portfolio_id for state in countable]
    held = [group.lots.get(portfolio_id, ()) for portfolio_id in ids]
    prices = [price for portfolio_id in ids for price in group.hand_prices.get(portfolio_id, ())]
    lots = as_lots(held, prices, group.symbols)
    flows = as_flows([group.flows.get(portfolio_id, ()) for portfolio_id in ids])
    opening = as_opening(countable, group.standings, first=group.at_first_session)
    folded = fold(lots, flows, opening, group.market, group.start, at_first_session=group.at_first_session)
    snapshots = snapshot_rows(folded.snapshots, group.market.calendar[group.start :])
    flat = [lot for some in held for lot in some]
    positions = position_rows(folded.lots, flat, lots.portfolio, group.edition.session, group.sectors)
    for place, (state, rows) in enumerate(zip(countable, snapshots, strict=True)):
        if folded.opening_differs[place]:
            outcome.history_changed.add(state.portfolio_id)
        elif folded.uncountable[place]:
            outcome.faults[state.portfolio_id] = Fault(
                "amount_out_of_range",
                "an amount is not a number or beyond 9e14 USD: look for a quantity, price or equity mistyped",
            )
        elif folded.unchained[place]:
            outcome.faults[state.portfolio_id] = Fault(
                "nav_chain_broken",
                "NAV by cash and values is not the NAV before plus P&L and flows: report this defect of the arithmetic",
            )
        else:
            unknown = _unknown(group, held[place], state)
            from_session = group.market.calendar[group.start].item()
            outcome.folds.append(
                PortfolioFold(state, group.edition, from_session, unknown, rows, positions.get(place, []))
            )


def _amounts_fit(group: Group, state: PortfolioState, outcome: Outcome) -> bool:
    portfolio_id = state.portfolio_id
    try:
        check_amounts(state, group.lots.get(portfolio_id, ()), group.flows.get(portfolio_id, ()))
    except OverflowError as error:
        outcome.faults[portfolio_id] = Fault("amount_out_of_range", str(error))
        return False
    return True


def _unknown(group: Group, lots: Sequence[HeldLot], state: PortfolioState) -> list[str]:
    """The symbols that some session of the portfolio would want prices of and the edition does not contain."""
    first = (state.first_session - _EPOCH).days
    last = (group.edition.session - _EPOCH).days
    wanted = [lot for lot in lots if lot.entry_day <= last and (lot.exit_day is None or lot.exit_day > first)]
    return sorted(set(symbols_needed(wanted)) - group.known)
