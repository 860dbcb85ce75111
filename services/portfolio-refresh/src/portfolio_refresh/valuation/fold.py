"""The fold: from where portfolios stand, through the sessions, to what they are worth on the last one."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import Bools, Days, Floats, Ints, session_on_which_it_counts
from portfolio_refresh.valuation.book import NO_SYMBOL, Flows, Lots, Market, Opening
from portfolio_refresh.valuation.money import LARGEST, dollars, ten_thousandths
from portfolio_refresh.valuation.movements import Movements, cost_basis, movements
from portfolio_refresh.valuation.pricing import MANUAL, PRICED, STALE, UNPRICED

ROUNDING = 3e-4
"""USD: what rounding a lot's six amounts once can come to in one session."""
RELATIVE_ROUNDING = 1e-9
"""Of the amounts themselves: what float64 can lose in them."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Of P portfolios on T sessions, arrays (P, T); amounts in ten-thousandths of USD."""

    nav: Ints
    cash: Ints
    long_value: Ints
    short_value: Ints
    pnl_price: Ints
    pnl_dividend: Ints
    pnl_in_kind: Ints
    pnl_trading: Ints
    fees: Ints
    """Never negative: P&L has them subtracted."""
    cumulative_pnl: Ints
    flow: Ints
    daily_return: Floats
    """NaN on a first session and where the NAV before was not positive."""
    positions: Ints
    stale: Ints
    unpriced: Ints
    coverage: Floats
    """Share of the gross value that has a price; NaN where the gross value is 0."""

    @property
    def pnl(self) -> Ints:
        return self.pnl_price + self.pnl_dividend + self.pnl_in_kind + self.pnl_trading - self.fees


@dataclass(frozen=True, slots=True)
class LotValues:
    """The lots held at the last session's close, and those closed on it: arrays (N,)."""

    lot: Ints
    """Index into the lots."""
    effective: Floats
    """By which the quantity is multiplied: splits since entry; 0 for a closed lot."""
    price: Floats
    """NaN for an unpriced one."""
    price_date: Days
    """Of the close, or of the price by hand; the session for a closed lot; NaT for an unpriced one."""
    status: Ints
    market_value: Ints
    cost_basis: Ints
    """0 for a closed lot."""
    pnl: Ints


@dataclass(frozen=True, slots=True)
class Folded:
    """What P portfolios came to. The arrays of a portfolio with a fault mean nothing."""

    snapshots: Snapshots
    lots: LotValues
    uncountable: Bools
    """(P,): an amount is not a number, or larger than can be counted."""
    unchained: Bools
    """(P,): NAV by cash and values is not NAV by P&L and flows."""
    opening_differs: Bools
    """(P,): the NAV before the fold is not what cash and values of that session come to: history changed under it."""


def fold(lots: Lots, flows: Flows, opening: Opening, market: Market, start: int, *, at_first_session: bool) -> Folded:
    """Value P portfolios on every session of the calendar from index `start` on.

    With `at_first_session` the first of these is everybody's first session: P&L 0, NAV the declared equity, or the sum
    of the values where none was declared; flows and fees dated up to it belong to it. Otherwise `opening` is the
    snapshot of the session before.

    cash_t = cash_{t−1} + flows − purchases + sales + dividends + received in kind − fees
    NAV E_t = cash_t + Σ value_t, and E_t = E_{t−1} + pnl_t + flow_t: both are computed and must agree (`unchained`).
    """
    before = start if at_first_session else start - 1
    columns = np.concatenate([[before], np.arange(start, len(market.calendar))])
    with np.errstate(over="ignore", invalid="ignore"):
        moved = movements(lots, market, columns)
        flow = _flows(flows, ~flows.fee, market, columns, len(opening))
        charged = -_flows(flows, flows.fee, market, columns, len(opening))
        last = _last_values(lots, market, moved, columns)
        return _add_up(lots, moved, last, flow, charged, opening, at_first_session=at_first_session)


def _add_up(  # noqa: PLR0917  # what a fold is made of
    lots: Lots,
    moved: Movements,
    last: LotValues,
    flow: Ints,
    charged: Ints,
    opening: Opening,
    *,
    at_first_session: bool,
) -> Folded:
    sums = _Sums(lots.portfolio, len(opening))
    value = sums.of(moved.value)
    value_before = sums.of(moved.value_before[:, :1])[:, 0]
    if at_first_session:
        cash_before = np.where(opening.declared, opening.equity - value_before, 0)
        nav_before = cash_before + value_before
    else:
        cash_before, nav_before = opening.cash, opening.equity
    earned = sums.of(moved.dividend), sums.of(moved.in_kind)
    trades = sums.of(moved.proceeds - moved.cost)
    fees = charged + sums.of(moved.fees)
    cash = cash_before[:, None] + np.cumsum(flow + trades + earned[0] + earned[1] - fees, axis=1)
    nav = cash + value
    pnl_price, pnl_trading = sums.of(moved.price_pnl), sums.of(moved.trading_pnl)
    pnl = pnl_price + pnl_trading + earned[0] + earned[1] - fees
    earlier = np.concatenate([nav_before[:, None], nav[:, :-1]], axis=1)
    daily_return = np.where(earlier > 0, pnl / np.where(earlier > 0, earlier, 1), np.nan)
    if at_first_session:
        daily_return[:, 0] = np.nan
    status = moved.prices.status[:, 1:]
    long_value = sums.of(np.maximum(moved.value, 0))
    short_value = sums.of(np.minimum(moved.value, 0))
    gross = long_value - short_value
    without_price = sums.of(np.where(status == UNPRICED, np.abs(moved.value), 0))
    snapshots = Snapshots(
        nav=nav,
        cash=cash,
        long_value=long_value,
        short_value=short_value,
        pnl_price=pnl_price,
        pnl_dividend=earned[0],
        pnl_in_kind=earned[1],
        pnl_trading=pnl_trading,
        fees=fees,
        cumulative_pnl=opening.cumulative_pnl[:, None] + np.cumsum(pnl, axis=1),
        flow=flow,
        daily_return=daily_return,
        positions=sums.of(moved.held.astype(np.int64)),
        stale=sums.of((moved.held & (status == STALE)).astype(np.int64)),
        unpriced=sums.of((moved.held & (status == UNPRICED)).astype(np.int64)),
        coverage=np.where(gross > 0, (gross - without_price) / np.where(gross > 0, gross, 1), np.nan),
    )
    turnover = sums.of_floats(moved.turnover)
    total = turnover + np.abs(dollars(cash_before)) + np.abs(dollars(opening.cumulative_pnl))
    total += np.abs(dollars(flow)).sum(axis=1) + dollars(charged).sum(axis=1)
    by_formula = earlier + flow
    expected = dollars(by_formula - charged) + sums.of_floats(moved.formula_pnl)
    allowed = ROUNDING * (1 + sums.counts)[:, None] + RELATIVE_ROUNDING * total[:, None]
    return Folded(
        snapshots,
        last,
        uncountable=~(total <= LARGEST),
        unchained=(nav != by_formula + pnl).any(axis=1) | ~(np.abs(dollars(nav) - expected) <= allowed).all(axis=1),
        opening_differs=nav_before != cash_before + value_before,
    )


class _Sums:
    """Sums over the lots of each portfolio, for lots in the order of their portfolios."""

    def __init__(self, portfolio: Ints, portfolios: int) -> None:
        self._bounds = np.searchsorted(portfolio, np.arange(portfolios + 1))
        self._portfolio = portfolio
        self.counts = np.diff(self._bounds)

    def of(self, amounts: Ints) -> Ints:
        """(L, T) → (P, T). Exact, also where the running total over all portfolios wraps around."""
        running = np.zeros((len(amounts) + 1, *amounts.shape[1:]), dtype=np.int64)
        np.cumsum(amounts, axis=0, out=running[1:])
        return np.asarray(running[self._bounds[1:]] - running[self._bounds[:-1]])

    def of_floats(self, amounts: Floats) -> Floats:
        """(L, …) → (P, …), one lot after the other; a portfolio's NaN stays its own."""
        total = np.zeros((len(self.counts), *amounts.shape[1:]))
        np.add.at(total, self._portfolio, amounts)
        return total


def _flows(flows: Flows, counted: Bools, market: Market, columns: Ints, portfolios: int) -> Ints:
    """(P, T): of the flows `counted` (F,), what counts on each session; those up to `columns[0]` have been before."""
    session = session_on_which_it_counts(market.calendar, flows.date)
    column = np.searchsorted(columns[1:], session, side="left")
    inside = counted & (session > columns[0]) & (column < len(columns) - 1)
    total = np.zeros((portfolios, len(columns) - 1), dtype=np.int64)
    np.add.at(total, (flows.portfolio[inside], column[inside]), flows.amount[inside])
    return total


def _last_values(lots: Lots, market: Market, moved: Movements, columns: Ints) -> LotValues:
    held, closed = moved.held[:, -1], moved.closed[:, -1]
    shown = np.flatnonzero(held | closed)
    closed = closed[shown]
    prices = moved.prices
    status = prices.status[shown, -1]
    by_owner = closed & (lots.symbol[shown] == NO_SYMBOL) & ~moved.ends.expired[shown]
    gain = (moved.price_pnl + moved.trading_pnl + moved.dividend + moved.in_kind - moved.fees)[shown, -1]
    basis = ten_thousandths(cost_basis(lots, market, moved)[shown])
    return LotValues(
        lot=shown,
        effective=np.where(closed, 0.0, prices.effective[shown, -1]),
        price=np.where(closed, moved.ends.price[shown], prices.price[shown, -1]),
        price_date=np.where(closed, market.calendar[columns[-1]], prices.price_date[shown, -1]),
        status=np.where(closed, np.where(by_owner, MANUAL, PRICED), status),
        market_value=moved.value[shown, -1],
        cost_basis=np.where(closed, 0, basis),
        pnl=gain,
    )
