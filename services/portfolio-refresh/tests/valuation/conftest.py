"""A market and a book written down as people speak of them, turned into the arrays of the arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from portfolio_refresh.valuation.book import NO_SYMBOL, Flows, Lots, Market, Opening
from portfolio_refresh.valuation.by_hand import NO_SERIES, HandPrices
from portfolio_refresh.valuation.fold import Folded, fold
from portfolio_refresh.valuation.ratios import Ratios

DAY = "datetime64[D]"


@dataclass(frozen=True)
class Lot:
    symbol: str
    quantity: float
    entry: float
    entered: str = "2024-01-02"
    exit: float | None = None
    left: str | None = None
    multiplier: float = 1
    by_hand: bool = False
    fees: tuple[float, float] = (0, 0)
    option: tuple[str, str, float, str] | None = None
    """CALL or PUT, the underlying, strike and expiry."""
    prices: tuple[tuple[str, float], ...] = ()
    """By hand: day and price."""


@dataclass
class Example:
    """`closes` by symbol, None where a session has none; sessions are `calendar`."""

    calendar: list[str]
    closes: dict[str, list[float | None]]
    splits: list[tuple[str, str, float]] = field(default_factory=list)
    distributions: list[tuple[str, str, float]] = field(default_factory=list)
    dividends: list[tuple[str, str, float]] = field(default_factory=list)

    @property
    def symbols(self) -> list[str]:
        return list(self.closes)

    def _ratios(self, actions: list[tuple[str, str, float]]) -> Ratios:
        return Ratios(
            np.array([self.symbols.index(a[0]) for a in actions], dtype=np.int64),
            np.array([a[1] for a in actions], dtype=DAY),
            np.array([a[2] for a in actions], dtype=float),
        )

    def market(self, through: str | None = None) -> Market:
        calendar = [day for day in self.calendar if through is None or day <= through]
        known = [
            (place, session, close)
            for place, symbol in enumerate(self.symbols)
            for session, close in enumerate(self.closes[symbol])
            if close is not None and session < len(calendar)
        ]
        return Market(
            calendar=np.array(calendar, dtype=DAY),
            symbols=len(self.symbols),
            close_symbol=np.array([k[0] for k in known], dtype=np.int64),
            close_session=np.array([k[1] for k in known], dtype=np.int64),
            close=np.array([k[2] for k in known], dtype=float),
            splits=self._ratios(self.splits),
            distributions=self._ratios(self.distributions),
            dividend_symbol=np.array([self.symbols.index(d[0]) for d in self.dividends], dtype=np.int64),
            dividend_date=np.array([d[1] for d in self.dividends], dtype=DAY),
            dividend=np.array([d[2] for d in self.dividends], dtype=float),
        )

    def lots(self, *books: list[Lot]) -> Lots:
        flat = [(place, lot) for place, book in enumerate(books) for lot in book]
        given = [(place, day, price) for place, (_, lot) in enumerate(flat) for day, price in lot.prices]
        by_hand = HandPrices(
            np.array([g[0] for g in given], dtype=np.int64),
            np.array([g[1] for g in given], dtype=DAY),
            np.array([g[2] for g in given], dtype=float),
        )

        def ints(values: list[float]) -> np.ndarray:
            return np.array(values, dtype=np.int64)

        return Lots(
            portfolio=ints([place for place, _ in flat]),
            symbol=ints(
                [NO_SYMBOL if lot.by_hand or lot.option else self.symbols.index(lot.symbol) for _, lot in flat]
            ),
            quantity=np.array([lot.quantity for _, lot in flat], dtype=float),
            multiplier=np.array([lot.multiplier for _, lot in flat], dtype=float),
            entry_price=np.array([lot.entry for _, lot in flat], dtype=float),
            entry_date=np.array([lot.entered for _, lot in flat], dtype=DAY),
            entry_fee=ints([round(lot.fees[0] * 10_000) for _, lot in flat]),
            exit_price=np.array([np.nan if lot.exit is None else lot.exit for _, lot in flat], dtype=float),
            exit_date=np.array([lot.left or "NaT" for _, lot in flat], dtype=DAY),
            exit_fee=ints([round(lot.fees[1] * 10_000) for _, lot in flat]),
            underlying=ints([self.symbols.index(lot.option[1]) if lot.option else NO_SYMBOL for _, lot in flat]),
            right=ints([{"CALL": 1, "PUT": -1}[lot.option[0]] if lot.option else 0 for _, lot in flat]),
            strike=np.array([lot.option[2] if lot.option else np.nan for _, lot in flat], dtype=float),
            expires=np.array([lot.option[3] if lot.option else "NaT" for _, lot in flat], dtype=DAY),
            series=ints([place if lot.prices else NO_SERIES for place, (_, lot) in enumerate(flat)]),
            by_hand=by_hand,
        )

    def fold(
        self,
        *books: list[Lot],
        equity: float | None = None,
        flows: list[tuple[str, float]] = [],  # noqa: B006  # never changed
        fees: list[tuple[str, float]] = [],  # noqa: B006
        first: str | None = None,
        through: str | None = None,
    ) -> Folded:
        """Everything from the first session (default: the calendar's second, so that there is one before)."""
        market = self.market(through)
        place = int(np.searchsorted(market.calendar, np.datetime64(first or self.calendar[1], "D")))
        opening = Opening(
            equity=np.full(len(books), round((equity or 0) * 10_000), dtype=np.int64),
            declared=np.full(len(books), equity is not None),
            cash=np.zeros(len(books), dtype=np.int64),
            cumulative_pnl=np.zeros(len(books), dtype=np.int64),
        )
        paid = these_flows(flows, len(books), fees)
        folded = fold(self.lots(*books), paid, opening, market, place, at_first_session=True)
        assert not folded.unchained.any()
        assert not folded.uncountable.any()
        return folded


def these_flows(
    flows: list[tuple[str, float]],
    portfolios: int,
    fees: list[tuple[str, float]] = [],  # noqa: B006
) -> Flows:
    """The same flows and fees (> 0) for each portfolio."""
    every = [(day, amount, False) for day, amount in flows] + [(day, -amount, True) for day, amount in fees]
    repeated = [(place, *flow) for place in range(portfolios) for flow in every]
    return Flows(
        portfolio=np.array([f[0] for f in repeated], dtype=np.int64),
        date=np.array([f[1] for f in repeated], dtype=DAY),
        amount=np.array([round(f[2] * 10_000) for f in repeated], dtype=np.int64),
        fee=np.array([f[3] for f in repeated], dtype=bool),
    )


def after(folded: Folded) -> Opening:
    """Where portfolios stand when a fold is continued."""
    snapshots = folded.snapshots
    return Opening(
        equity=snapshots.nav[:, -1],
        declared=np.zeros(len(snapshots.nav), dtype=bool),
        cash=snapshots.cash[:, -1],
        cumulative_pnl=snapshots.cumulative_pnl[:, -1],
    )


def weekdays(first: str, count: int) -> list[str]:
    start = np.busday_offset(np.datetime64(first, "D"), 0, roll="forward")
    return [str(np.busday_offset(start, n)) for n in range(count)]


@pytest.fixture
def book() -> type[Lot]:
    return Lot


@pytest.fixture
def example() -> Callable[..., Example]:
    """`example(AAPL=[…], splits=[…])`: closes from 2024-12-02 on, one for each weekday."""

    def build(
        splits: list[tuple[str, str, float]] = [],  # noqa: B006
        distributions: list[tuple[str, str, float]] = [],  # noqa: B006
        dividends: list[tuple[str, str, float]] = [],  # noqa: B006
        **closes: list[float | None],
    ) -> Example:
        length = max(len(series) for series in closes.values())
        return Example(weekdays("2024-12-02", length), closes, list(splits), list(distributions), list(dividends))

    return build
