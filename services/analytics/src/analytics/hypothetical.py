"""The book as it would be after some trades at the session's closes. Nothing is stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from uuid import uuid5

import numpy as np

from analytics.book import Book, Position, Snapshot
from analytics.edition import Edition


@dataclass(frozen=True, slots=True)
class Trade:
    """Shares of a public symbol: bought where positive, sold where negative."""

    symbol: str
    quantity: float


class ImpossibleTradeError(Exception):
    """A trade that nobody could make, or whose price is not known; the sentence says which, why, and what to do."""


def close_of(symbol: str, book: Book, edition: Edition) -> float:
    """USD a share at the book's session; raises ImpossibleTradeError where there is none.

    What the book values its own lots at comes first, so that trading in what is held changes no value.
    """
    held = book.public_lots(symbol)
    if held:
        first = book.positions[held[0]]
        if first.price is None or first.price_status == "unpriced":
            raise ImpossibleTradeError(
                f"{symbol} has no close within five sessions of {book.session}, so that a trade in it has no price"
            )
        return first.price
    if symbol not in edition.index or symbol in book.unknown_symbols:
        raise ImpossibleTradeError(
            f"{symbol} is not known to edition {edition.edition}: a symbol becomes known when a portfolio holds it"
        )
    close = float(edition.closes[edition.index[symbol]])
    if not close > 0:
        raise ImpossibleTradeError(f"{symbol} has no close within five sessions of {book.session}")
    return close


def traded(book: Book, edition: Edition, trades: Iterable[Trade], *, short: bool = False) -> Book:
    """The book after the trades, paid from cash without costs, so that NAV stays what it is.

    Opposite lots are closed first, those with the lowest ids before others; what is left of a trade is a lot of its
    own. A trade that goes beyond what is held of the other side opens one there only if `short` allows it; buying back
    more than is short is a purchase like any other. Raises ImpossibleTradeError.
    """
    orders: dict[str, float] = defaultdict(float)
    for trade in trades:
        orders[trade.symbol] += trade.quantity
    changed: dict[int, Position | None] = {}
    opened: list[Position] = []
    spent = 0.0
    for symbol, quantity in sorted(orders.items()):
        if quantity == 0:
            continue
        price = close_of(symbol, book, edition)
        _refuse_uncovered(symbol, quantity, _held(book, symbol), short=short)
        spent += quantity * price
        lots, left = _closed(book, symbol, quantity)
        changed |= lots
        if left != 0:
            opened.append(_new_lot(book, edition, symbol, price)._replace(quantity=left, market_value=left * price))
    kept: list[Position | None] = list(book.positions)
    for place, lot in changed.items():
        kept[place] = lot
    positions = (*filter(None, kept), *opened)
    return replace(book, snapshot=_with(book.snapshot, positions, spent), positions=positions)


def trades_to(book: Book, edition: Edition, weights: Mapping[str, float], *, close_others: bool) -> list[Trade]:
    """The trades after which each symbol has its weight of NAV, signed, and with `close_others` no other is held.

    Raises ImpossibleTradeError, also where NAV is not positive, for then no weight means anything.
    """
    if not book.snapshot.nav > 0:
        raise ImpossibleTradeError(
            f"NAV is {book.snapshot.nav:.2f} USD, of which no weight means anything; send trades"
        )
    wanted = dict(weights)
    if close_others:
        for symbol in dict.fromkeys(compress(book.columns.symbols, book.columns.public)):
            if _held(book, symbol) != 0:
                wanted.setdefault(symbol, 0.0)
    return [
        Trade(symbol, weight * book.snapshot.nav / close_of(symbol, book, edition) - _held(book, symbol))
        for symbol, weight in wanted.items()
    ]


def _held(book: Book, symbol: str) -> float:
    """Shares of a public symbol, net."""
    lots = (book.positions[place] for place in book.public_lots(symbol))
    return sum((lot.quantity for lot in lots if lot.market_value != 0), 0.0)


def _refuse_uncovered(symbol: str, quantity: float, held: float, *, short: bool) -> None:
    if quantity < 0 and not short and -quantity > max(held, 0.0) * (1 + 1e-12):
        raise ImpossibleTradeError(
            f"{-quantity:g} of {symbol} are to be sold, of which {max(held, 0.0):g} are held; "
            "sell fewer, or send allow_short: true"
        )


def _closed(book: Book, symbol: str, quantity: float) -> tuple[dict[int, Position | None], float]:
    """The lots of the other side, by place, closed as far as a trade goes, None where whole; and the rest of it."""
    left = quantity
    lots: dict[int, Position | None] = {}
    for place in book.public_lots(symbol):
        lot = book.positions[place]
        if lot.quantity * left >= 0 or lot.market_value == 0:
            continue
        taken = left if abs(left) < abs(lot.quantity) else -lot.quantity
        left -= taken
        kept = lot.quantity + taken
        share = kept / lot.quantity
        lots[place] = lot._replace(quantity=kept, market_value=lot.market_value * share) if kept != 0 else None
    return lots, left


def _new_lot(book: Book, edition: Edition, symbol: str, price: float) -> Position:
    """Priced as the lots of the symbol that are there, if there are any."""
    position_id = uuid5(book.portfolio, f"what-if:{symbol}")
    for place in book.public_lots(symbol):
        return book.positions[place]._replace(position_id=position_id, cost_basis=None, unrealised_pnl=None, pnl=0.0)
    return Position(
        position_id=position_id,
        symbol=symbol,
        investment_class="PUBLIC",
        quantity=0.0,
        price=price,
        price_session=book.session,
        price_status="priced",
        sector=edition.sectors.get(symbol),
        market_value=0.0,
        cost_basis=None,
        unrealised_pnl=None,
        pnl=0.0,
    )


def _with(snapshot: Snapshot, positions: Sequence[Position], spent: float) -> Snapshot:
    """The figures of what is held now; those of the day stay, for nothing of it has happened."""
    values = np.array([position.market_value for position in positions], dtype=np.float64)
    statuses = [position.price_status for position in positions]
    long, short = float(values[values > 0].sum()), float(values[values < 0].sum())
    priced = np.array([status in {"priced", "stale"} for status in statuses], dtype=bool)
    gross = long - short
    return replace(
        snapshot,
        cash=snapshot.cash - spent,
        long=long,
        short=short,
        gross=gross,
        net=long + short,
        positions=int(np.count_nonzero(values)),
        stale=statuses.count("stale"),
        unpriced=statuses.count("unpriced"),
        coverage=float(np.abs(values[priced]).sum()) / gross if gross > 0 else None,
    )
