"""What a portfolio is worth, what it made today, and what it mostly consists of."""

from datetime import date
from typing import Literal
from uuid import UUID

import numpy as np
from pydantic import Field

from analytics.book import Book, InvestmentClass, Position, PriceStatus
from analytics.evidence import Evidence
from analytics.measures.measure import Finding, Measure, Parameters, Result


class OverviewParameters(Parameters):
    top: int = Field(default=10, ge=0, le=500, description="How many of the largest positions to list.")


class DayPnl(Result):
    """USD. The total is price + dividend + in_kind + trading − fees, each rounded by itself when it was stored."""

    total: float
    price: float
    dividend: float
    in_kind: float
    trading: float
    fees: float
    """Paid on the session; not negative."""


class PositionLine(Result):
    """One lot, amounts in USD.

    `weight` is signed market value over NAV; null where NAV is not positive or the lot has no price. `price_session` is
    the date of the close, or of the price that the owner gave.
    """

    position_id: UUID
    symbol: str
    investment_class: InvestmentClass
    quantity: float
    price: float | None
    price_session: date | None
    price_status: PriceStatus
    sector: str | None
    """A GICS name, ETF or PRIVATE; an option has its underlying's."""
    sector_reason: Literal["unclassified"] | None
    """Why there is no sector: no profile says one."""
    market_value: float
    cost_basis: float | None
    """Signed as the quantity: what was paid or got on entry, without fees, less what distributions took with them."""
    unrealised_pnl: float | None
    """Market value less cost basis; 0 for a lot closed on the session."""
    unrealised_pnl_reason: Literal["valued_before_it_was_kept"] | None
    """Why there is neither cost basis nor unrealised P&L. The next valuation has them."""
    weight: float | None
    pnl: float


class Overview(Result):
    """Amounts in USD after the session, as stored to four decimals; `short` is not positive."""

    nav: float
    cash: float
    long: float
    short: float
    gross: float
    net: float
    pnl: DayPnl
    daily_return: float | None
    daily_return_reason: Literal["no_positive_nav_before"] | None
    cumulative_pnl: float
    flow: float
    positions: int
    stale_positions: int
    unpriced_positions: int
    top_positions: list[PositionLine]
    """By absolute market value, largest first; ties by id."""
    stale: list[PositionLine]
    """Valued at a close older than the session."""
    unpriced: list[PositionLine]
    """Without a close within five sessions: at their last value, in NAV but in no weight."""
    weights_reason: Literal["nav_not_positive"] | None
    """Why no weight is given."""


def compute(evidence: Evidence, parameters: OverviewParameters) -> Finding[Overview]:
    """The stored figures of the book's session and its positions (`domain.md` §3). Nothing is valued anew."""
    book = evidence.book
    figures = book.snapshot
    largest = np.argsort(-np.abs(book.market_values), kind="stable")
    shown = [int(n) for n in largest if book.market_values[n] != 0][: parameters.top]
    overview = Overview(
        nav=figures.nav,
        cash=figures.cash,
        long=figures.long,
        short=figures.short,
        gross=figures.gross,
        net=figures.net,
        pnl=DayPnl(
            total=figures.pnl,
            price=figures.pnl_price,
            dividend=figures.pnl_dividend,
            in_kind=figures.pnl_in_kind,
            trading=figures.pnl_trading,
            fees=figures.fees,
        ),
        daily_return=figures.daily_return,
        daily_return_reason="no_positive_nav_before" if figures.daily_return is None else None,
        cumulative_pnl=figures.cumulative_pnl,
        flow=figures.flow,
        positions=figures.positions,
        stale_positions=figures.stale,
        unpriced_positions=figures.unpriced,
        top_positions=[_line(book, n) for n in shown],
        stale=_lines_with(book, "stale"),
        unpriced=_lines_with(book, "unpriced"),
        weights_reason="nav_not_positive" if book.weights is None else None,
    )
    return Finding(overview, figures.coverage)


def _lines_with(book: Book, status: PriceStatus) -> list[PositionLine]:
    return [_line(book, n) for n, position in enumerate(book.positions) if position.price_status == status]


def _line(book: Book, n: int) -> PositionLine:
    position = book.positions[n]
    return PositionLine(
        position_id=position.position_id,
        symbol=position.symbol,
        investment_class=position.investment_class,
        quantity=position.quantity,
        price=position.price,
        price_session=position.price_session,
        price_status=position.price_status,
        sector=position.sector,
        sector_reason="unclassified" if position.sector is None else None,
        market_value=position.market_value,
        cost_basis=position.cost_basis,
        unrealised_pnl=position.unrealised_pnl,
        unrealised_pnl_reason="valued_before_it_was_kept" if position.unrealised_pnl is None else None,
        weight=_weight(book, n, position),
        pnl=position.pnl,
    )


def _weight(book: Book, n: int, position: Position) -> float | None:
    if book.weights is None or position.price_status == "unpriced":
        return None
    return float(book.weights[n])


MEASURE = Measure(
    name="overview",
    summary="Value, P&L of the day and largest positions",
    method="as stored by the valuation",
    parameters=OverviewParameters,
    result=Overview,
    compute=compute,
)
