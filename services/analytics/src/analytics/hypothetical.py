"""The book as it would be after some trades at the session's closes. Nothing is stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid5

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
    for position in book.positions:
        if position.symbol == symbol and position.investment_class == "PUBLIC":
            if position.price is None or position.price_status == "unpriced":
                raise ImpossibleTradeError(
                    f"{symbol} has no close within five sessions of {book.session}, so that a trade in it has no price"
                )
            return position.price
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
    positions, spent = list(book.positions), 0.0
    for symbol, quantity in sorted(orders.items()):
        if quantity == 0:
            continue
        price = close_of(symbol, book, edition)
        _refuse_uncovered(symbol, quantity, positions, short=short)
        spent += quantity * price
        positions = _after(positions, symbol, quantity, _new_lot(book, edition, symbol, price))
    return replace(book, snapshot=_with(book.snapshot, positions, spent), positions=tuple(positions))


def trades_to(book: Book, edition: Edition, weights: Mapping[str, float], *, close_others: bool) -> list[Trade]:
    """The trades after which each symbol has its weight of NAV, signed, and with `close_others` no other is held.

    Raises ImpossibleTradeError, also where NAV is not positive, for then no weight means anything.
    """
    if not book.snapshot.nav > 0:
        raise ImpossibleTradeError(
            f"NAV is {book.snapshot.nav:.2f} USD, of which no weight means anything; send trades"
        )
    held = _held(book.positions)
    wanted = dict(weights)
    if close_others:
        for symbol, quantity in held.items():
            if quantity != 0:
                wanted.setdefault(symbol, 0.0)
    return [
        Trade(symbol, weight * book.snapshot.nav / close_of(symbol, book, edition) - held.get(symbol, 0.0))
        for symbol, weight in wanted.items()
    ]


def _held(positions: Sequence[Position]) -> dict[str, float]:
    """Shares of public symbols, net."""
    held: dict[str, float] = defaultdict(float)
    for position in positions:
        if position.investment_class == "PUBLIC" and position.market_value != 0:
            held[position.symbol] += position.quantity
    return held


def _refuse_uncovered(symbol: str, quantity: float, positions: Sequence[Position], *, short: bool) -> None:
    held = _held(positions).get(symbol, 0.0)
    if quantity < 0 and not short and -quantity > max(held, 0.0) * (1 + 1e-12):
        raise ImpossibleTradeError(
            f"{-quantity:g} of {symbol} are to be sold, of which {max(held, 0.0):g} are held; "
            "sell fewer, or send allow_short: true"
        )


def _after(positions: Sequence[Position], symbol: str, quantity: float, lot: Position) -> list[Position]:
    """Lots of the other side closed as far as the trade goes, and the rest of it as `lot`."""
    left, changed = quantity, []
    for position in positions:
        is_opposite = (
            position.symbol == symbol and position.investment_class == "PUBLIC" and position.quantity * left < 0
        )
        if not is_opposite or position.market_value == 0:
            changed.append(position)
            continue
        taken = left if abs(left) < abs(position.quantity) else -position.quantity
        left -= taken
        kept = position.quantity + taken
        if kept != 0:
            share = kept / position.quantity
            changed.append(position._replace(quantity=kept, market_value=position.market_value * share))
    if left != 0:
        assert lot.price is not None
        changed.append(lot._replace(quantity=left, market_value=left * lot.price))
    return changed


def _new_lot(book: Book, edition: Edition, symbol: str, price: float) -> Position:
    """Priced as the lots of the symbol that are there, if there are any."""
    position_id = uuid5(book.portfolio, f"what-if:{symbol}")
    for position in book.positions:
        if position.symbol == symbol and position.investment_class == "PUBLIC":
            return position._replace(position_id=position_id, cost_basis=None, unrealised_pnl=None, pnl=0.0)
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
    values = [position.market_value for position in positions]
    long, short = sum(value for value in values if value > 0), sum(value for value in values if value < 0)
    priced = sum(abs(position.market_value) for position in positions if position.price_status in {"priced", "stale"})
    gross = long - short
    return replace(
        snapshot,
        cash=snapshot.cash - spent,
        long=long,
        short=short,
        gross=gross,
        net=long + short,
        positions=sum(value != 0 for value in values),
        stale=sum(position.price_status == "stale" for position in positions),
        unpriced=sum(position.price_status == "unpriced" for position in positions),
        coverage=priced / gross if gross > 0 else None,
    )
