"""Portfolios folded together from one session: rows in, rows out, the arithmetic in between. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

import numpy as np

from portfolio_refresh.store.holdings import HeldFlow, HeldLot, Standing
from portfolio_refresh.store.states import Edition, PortfolioState
from portfolio_refresh.store.valuations import PortfolioFold
from portfolio_refresh.valuation.arrays import DAY, Ints
from portfolio_refresh.valuation.book import NO_SYMBOL, Flows, Lots, Market, Opening
from portfolio_refresh.valuation.fold import Folded, fold
from portfolio_refresh.valuation.money import exact_ten_thousandths
from portfolio_refresh.valuation.pricing import STATUS_WORDS

CELLS_AT_ONCE = 1_000_000
"""Lots × sessions in one go; each takes some 300 bytes of arrays."""

QUANTITY_SCALE = Decimal("1e-10")
PUBLIC = "PUBLIC"


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
    symbols: Sequence[str]
    known: set[str]
    market: Market


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a group: folds to write, faults by portfolio, and those whose past is not what is stored."""

    folds: list[PortfolioFold]
    faults: dict[UUID, Fault]
    history_changed: set[UUID]


def symbols_priced(lots: Sequence[HeldLot]) -> list[str]:
    """The symbols whose prices a valuation of the lots asks for, sorted."""
    return sorted({lot.symbol for lot in lots if lot.investment_class == PUBLIC})


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
    held = [group.lots.get(state.portfolio_id, ()) for state in countable]
    lots = _lots(held, group.symbols)
    flows = _flows([group.flows.get(state.portfolio_id, ()) for state in countable])
    opening = _opening(group, countable)
    folded = fold(lots, flows, opening, group.market, group.start, at_first_session=group.at_first_session)
    snapshots = _snapshot_rows(group, folded)
    positions = _position_rows(group, folded, [lot for some in held for lot in some], lots.portfolio)
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
    flows = group.flows.get(state.portfolio_id, ())
    try:
        for amount in (state.declared_equity or Decimal(0), *(flow.amount for flow in flows)):
            exact_ten_thousandths(amount)
    except OverflowError as error:
        outcome.faults[state.portfolio_id] = Fault("amount_out_of_range", str(error))
        return False
    return True


def _lots(held: Sequence[Sequence[HeldLot]], symbols: Sequence[str]) -> Lots:
    number = {symbol: place for place, symbol in enumerate(symbols)}
    flat = [lot for lots in held for lot in lots]
    missing = np.iinfo(np.int64).min  # numpy's own mark of NaT
    return Lots(
        portfolio=np.repeat(np.arange(len(held)), [len(lots) for lots in held]).astype(np.int64),
        symbol=np.array(
            [number[lot.symbol] if lot.investment_class == PUBLIC else NO_SYMBOL for lot in flat], dtype=np.int64
        ),
        quantity=np.array([lot.quantity for lot in flat], dtype=np.float64),
        multiplier=np.array([lot.multiplier for lot in flat], dtype=np.float64),
        entry_price=np.array([lot.entry_price for lot in flat], dtype=np.float64),
        entry_date=np.array([lot.entry_day for lot in flat], dtype=np.int64).astype(DAY),
        exit_price=np.array([np.nan if lot.exit_price is None else lot.exit_price for lot in flat], dtype=np.float64),
        exit_date=np.array([missing if lot.exit_day is None else lot.exit_day for lot in flat], np.int64).astype(DAY),
    )


def _flows(held: Sequence[Sequence[HeldFlow]]) -> Flows:
    flat = [(place, flow) for place, flows in enumerate(held) for flow in flows]
    return Flows(
        portfolio=np.array([place for place, _ in flat], dtype=np.int64),
        date=np.array([flow.day for _, flow in flat], dtype=np.int64).astype(DAY),
        amount=np.array([exact_ten_thousandths(flow.amount) for _, flow in flat], dtype=np.int64),
    )


def _opening(group: Group, states: Sequence[PortfolioState]) -> Opening:
    def amounts(values: Iterator[Decimal]) -> Ints:
        return np.array([exact_ten_thousandths(value) for value in values], dtype=np.int64)

    if group.at_first_session:
        nothing = np.zeros(len(states), dtype=np.int64)
        return Opening(
            equity=amounts(state.declared_equity or Decimal(0) for state in states),
            declared=np.array([state.declared_equity is not None for state in states]),
            cash=nothing,
            cumulative_pnl=nothing,
        )
    before = [group.standings[state.portfolio_id] for state in states]
    return Opening(
        equity=amounts(standing.nav for standing in before),
        declared=np.zeros(len(states), dtype=bool),
        cash=amounts(standing.cash for standing in before),
        cumulative_pnl=amounts(standing.cumulative_pnl for standing in before),
    )


def _unknown(group: Group, lots: Sequence[HeldLot], state: PortfolioState) -> list[str]:
    """The symbols that some session of the portfolio would want prices of and the edition does not contain."""
    first = (state.first_session - _EPOCH).days
    last = (group.edition.session - _EPOCH).days
    wanted = {
        lot.symbol
        for lot in lots
        if lot.investment_class == PUBLIC and lot.entry_day <= last and (lot.exit_day is None or lot.exit_day > first)
    }
    return sorted(wanted - group.known)


_EPOCH = np.datetime64(0, "D").item()


def _snapshot_rows(group: Group, folded: Folded) -> Iterator[list[tuple[Any, ...]]]:
    """For each portfolio its rows, in the order of `SNAPSHOT_COLUMNS`."""
    of = folded.snapshots
    columns = (
        of.nav,
        of.cash,
        of.long_value,
        of.short_value,
        of.long_value - of.short_value,
        of.long_value + of.short_value,
        of.pnl,
        of.pnl_price,
        of.pnl_dividend,
        of.pnl_in_kind,
        of.pnl_trading,
        of.cumulative_pnl,
        of.flow,
        of.positions,
        of.stale,
        of.unpriced,
        _none_for_nan(of.daily_return),
        _none_for_nan(of.coverage),
    )
    sessions = group.market.calendar[group.start :].tolist()
    for portfolio in zip(*(column.tolist() for column in columns), strict=True):
        yield list(zip(sessions, *portfolio, strict=True))


def _position_rows(
    group: Group, folded: Folded, held: Sequence[HeldLot], portfolio: Ints
) -> dict[int, list[tuple[Any, ...]]]:
    """The rows, in the order of `POSITION_COLUMNS`, by the portfolio's place."""
    of = folded.lots
    calendar = [*group.market.calendar.tolist(), None]
    columns = (
        portfolio[of.lot],
        of.lot,
        of.effective,
        _none_for_nan(of.price),
        of.price_session,
        of.status,
        of.market_value,
        of.pnl,
    )
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for place, index, effective, price, priced_on, status, value, pnl in zip(
        *(c.tolist() for c in columns), strict=True
    ):
        lot = held[index]
        row = (
            lot.position_id,
            group.edition.session,
            lot.symbol,
            lot.investment_class,
            _effective_quantity(lot.quantity, effective),
            lot.multiplier,
            price,
            calendar[priced_on],
            STATUS_WORDS[status],
            value,
            pnl,
        )
        rows.setdefault(place, []).append(row)
    return rows


def _effective_quantity(quantity: Decimal, ratio: float) -> Decimal:
    """Rounded half to even to ten decimals; exactly as entered where there was no split."""
    if ratio == 1.0:
        return quantity
    return Decimal(repr(float(quantity) * ratio)).quantize(QUANTITY_SCALE, ROUND_HALF_EVEN)


def _none_for_nan(values: Any) -> Any:
    return np.where(np.isnan(values), None, values)
