"""What a fold came to, as the rows that are stored. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from portfolio_refresh.holdings_as_arrays import PUBLIC
from portfolio_refresh.store.holdings import HeldLot
from portfolio_refresh.valuation.arrays import Days, Ints
from portfolio_refresh.valuation.fold import LotValues, Snapshots
from portfolio_refresh.valuation.pricing import STATUS_WORDS

QUANTITY_SCALE = Decimal("1e-10")
PRIVATE = "PRIVATE"
"""The investment class, and the sector of what is in it."""


def snapshot_rows(of: Snapshots, sessions: Days) -> Iterator[list[tuple[Any, ...]]]:
    """For each portfolio its rows, in the order of `SNAPSHOT_COLUMNS`."""
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
        of.fees,
        of.cumulative_pnl,
        of.flow,
        of.positions,
        of.stale,
        of.unpriced,
        _none_for_nan(of.daily_return),
        _none_for_nan(of.coverage),
    )
    days = sessions.tolist()
    for portfolio in zip(*(column.tolist() for column in columns), strict=True):
        yield list(zip(days, *portfolio, strict=True))


def position_rows(
    of: LotValues, held: Sequence[HeldLot], portfolio: Ints, session: Any, sectors: Mapping[str, str]
) -> dict[int, list[tuple[Any, ...]]]:
    """The rows, in the order of `POSITION_COLUMNS`, by the portfolio's place."""
    columns = (
        portfolio[of.lot],
        of.lot,
        of.effective,
        _none_for_nan(of.price),
        of.price_date,
        of.status,
        of.market_value,
        of.cost_basis,
        of.market_value - of.cost_basis,
        of.pnl,
    )
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for place, index, effective, price, priced_on, status, value, cost, unrealised, pnl in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        lot = held[index]
        row = (
            lot.position_id,
            session,
            lot.symbol,
            lot.investment_class,
            _effective_quantity(lot.quantity, effective),
            lot.multiplier,
            price,
            priced_on,
            STATUS_WORDS[status],
            _sector(lot, sectors),
            value,
            cost,
            unrealised,
            pnl,
        )
        rows.setdefault(place, []).append(row)
    return rows


def _sector(lot: HeldLot, sectors: Mapping[str, str]) -> str | None:
    """Of its symbol's profile, ETF for every fund; an option has its underlying's; None where that is not known."""
    if lot.investment_class == PRIVATE:
        return PRIVATE
    return sectors.get(lot.symbol if lot.investment_class == PUBLIC else lot.underlying or "")


def _effective_quantity(quantity: Decimal, ratio: float) -> Decimal:
    """Rounded half to even to ten decimals; exactly as entered where there was no split."""
    if ratio == 1.0:
        return quantity
    return Decimal(repr(float(quantity) * ratio)).quantize(QUANTITY_SCALE, ROUND_HALF_EVEN)


def _none_for_nan(values: Any) -> Any:
    return np.where(np.isnan(values), None, values)
