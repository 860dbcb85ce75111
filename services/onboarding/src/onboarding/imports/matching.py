"""Sales matched with purchases, first in, first out, into lots: open, closed, or split where only a part was sold."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from onboarding.imports.cells import QUANTITY_PLACES
from onboarding.imports.commissions import shared
from onboarding.imports.findings import Field, Finding
from onboarding.imports.lot import Lot
from onboarding.imports.statement import Effect, Side, Split, Trade
from onboarding.imports.values import fit


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade that passed the rules: `lot` is unsigned, its entry the price and day of an opening trade, and its entry
    fee that of the trade, whatever it does.
    """

    trade: Trade
    lot: Lot

    @property
    def place(self) -> int:
        return self.trade.row.place


@dataclass(frozen=True, slots=True)
class Matched:
    """The lots in the order of the rows that opened them, with those rows, and what was found."""

    lots: Sequence[Lot]
    places: Sequence[int]
    errors: Sequence[Finding]
    warnings: Sequence[Finding]


@dataclass(slots=True)
class _Made:
    """A lot, or the part of one that one sale closed; `closing` are the shares of that sale's day."""

    opened: Fill
    lot: Lot
    closed: Fill | None = None
    closing: Fraction = Fraction(0)


@dataclass(slots=True)
class _Open:
    """What is left of a fill. `left` counts shares of the day of entry, of which `ratio` are today's each."""

    fill: Fill
    left: Decimal
    ratio: Fraction = Fraction(1)


@dataclass(slots=True)
class _Book:
    """The open lots of one symbol in one account: all long or all short, except where the file opens against itself."""

    sides: dict[Side, deque[_Open]] = field(default_factory=lambda: {side: deque() for side in Side})
    held: dict[Side, Fraction] = field(default_factory=lambda: dict.fromkeys(Side, Fraction(0)))


def match(fills: Sequence[Fill], splits: Sequence[Split]) -> Matched:
    """Run through all accounts in the order of time.

    A sale of more than is held is an error as a whole and sells nothing, unless it says that it opens short. A split
    between purchase and sale is counted: a lot keeps the quantity of its entry, as positions do. Quantities are
    conserved exactly; where a ratio has no finite decimals, a part is rounded at 10 and its lot keeps the rest. A
    trade's fee is shared among the lots that it opened or closed by their shares, and none of it is lost.
    """
    matcher = _Matcher()
    for event in _in_order(fills, splits):
        if isinstance(event, Split):
            matcher.split(event)
        else:
            matcher.trade(event)
    return matcher.matched()


def _in_order(fills: Sequence[Fill], splits: Sequence[Split]) -> Iterable[Fill | Split]:
    """By day, on a day splits first; then by time, opening trades before closing ones, in the order of the file.

    Files run forwards or backwards, each account for itself: told by its first and last day.
    """
    ends: dict[str, list[str]] = {}
    for fill in fills:
        ends.setdefault(fill.trade.account, []).append(fill.trade.moment[:10])
    backwards = {account for account, days in ends.items() if days[0] > days[-1]}

    def key(event: Fill | Split) -> tuple[str, bool, str, bool, int]:
        if isinstance(event, Split):
            return event.moment[:10], False, "", False, event.place
        trade = event.trade
        order = -event.place if trade.account in backwards else event.place
        return trade.moment[:10], True, trade.moment[10:], trade.closes_only, order

    return sorted([*fills, *splits], key=key)


class _Matcher:
    def __init__(self) -> None:
        self._books: dict[tuple[str, str], _Book] = {}
        self._made: list[_Made] = []
        self._errors: list[Finding] = []
        self._warnings: list[Finding] = []

    def split(self, split: Split) -> None:
        book = self._books.get((split.account, split.symbol))
        side = Side.BUY if book is None or book.held[Side.BUY] else Side.SELL
        if book is None or not book.held[side] or book.held[side] + Fraction(split.added) <= 0:
            message = "No such holding in this file at that time; splits of others are known and need no row."
            self._warnings.append(Finding(split.place, None, "split_without_holding", message, split.symbol))
            return
        ratio = (book.held[side] + Fraction(split.added)) / book.held[side]
        book.held[side] *= ratio
        for lot in book.sides[side]:
            lot.ratio *= ratio

    def trade(self, fill: Fill) -> None:
        side, effect = fill.trade.side, fill.trade.effect
        book = self._books.setdefault((fill.trade.account, fill.lot.symbol), _Book())
        against = Side.SELL if side is Side.BUY else Side.BUY
        shares = Fraction(fill.lot.quantity)
        closing = Fraction(0) if effect is Effect.OPENS else min(shares, book.held[against])
        if closing < shares and fill.trade.closes_only:
            self._oversold(fill, book.held[against])
            return
        self._close(fill, book, against, closing)
        if closing < shares:
            rest = fit(_decimal(shares - closing), QUANTITY_PLACES)
            book.sides[side].append(_Open(fill, rest))
            book.held[side] += shares - closing

    def _close(self, fill: Fill, book: _Book, against: Side, shares: Fraction) -> None:
        queue = book.sides[against]
        book.held[against] -= shares
        while shares and queue:
            first = queue[0]
            available = Fraction(first.left) * first.ratio
            if available <= shares:
                part, taken = first.left, available
                queue.popleft()
            else:
                part, taken = fit(_decimal(shares / first.ratio), QUANTITY_PLACES), shares
                first.left -= part
            shares -= taken
            self._keep(first.fill, part, fill, taken)
        if not queue:
            book.held[against] = Fraction(0)

    def _keep(
        self, opened: Fill, quantity: Decimal, closed: Fill | None = None, closing: Fraction = Fraction(0)
    ) -> None:
        """A lot, or the part of it that one sale closed."""
        if not quantity:
            return
        signed = quantity if opened.trade.side is Side.BUY else -quantity
        lot = replace(opened.lot, quantity=signed, entry_fee=Decimal(0))
        if closed is not None:
            price, day = closed.lot.exit_price, closed.lot.exit_date
            lot = replace(
                lot,
                exit_price=closed.lot.entry_price if price is None else price,
                exit_date=closed.lot.entry_date if day is None else day,
            )
        self._made.append(_Made(opened, lot, closed, closing))

    def _oversold(self, fill: Fill, held: Fraction) -> None:
        row, verb = fill.trade.row, "Sold" if fill.trade.side is Side.SELL else "Bought back"
        sold = f"{fill.lot.quantity.normalize():f} {fill.lot.symbol}"
        message = f"{verb} {sold}; at that time this file has {_decimal(held):f}."
        sent = row.cells.get(Field.QUANTITY, "")
        title = row.titles.get(Field.QUANTITY)
        self._errors.append(Finding(row.place, Field.QUANTITY, "oversell", message, sent, title))

    def matched(self) -> Matched:
        """What came of it; what is open still is a lot without an exit."""
        for book in self._books.values():
            for queue in book.sides.values():
                for left in queue:
                    self._keep(left.fill, left.left)
        self._share_fees()
        made = sorted(self._made, key=lambda made: (made.opened.place, made.lot.exit_date is None))
        return Matched([one.lot for one in made], [one.opened.place for one in made], self._errors, self._warnings)

    def _share_fees(self) -> None:
        """A trade that closed one holding and opened another pays for both by their shares."""
        uses: dict[int, list[tuple[_Made, Fill, Fraction]]] = {}
        for made in self._made:
            uses.setdefault(made.opened.place, []).append((made, made.opened, Fraction(abs(made.lot.quantity))))
            if made.closed is not None:
                uses.setdefault(made.closed.place, []).append((made, made.closed, made.closing))
        for used in uses.values():
            fees = shared(used[0][1].lot.entry_fee, [shares for _, _, shares in used])
            for (made, fill, _), fee in zip(used, fees, strict=True):
                opens = fill is made.opened
                made.lot = replace(made.lot, entry_fee=fee) if opens else replace(made.lot, exit_fee=fee)


def _decimal(fraction: Fraction) -> Decimal:
    """The fraction with 28 digits; exact where it has no more."""
    return (Decimal(fraction.numerator) / Decimal(fraction.denominator)).normalize()
