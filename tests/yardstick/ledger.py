"""A portfolio's ledger kept by hand: session by session, lot by lot, in decimals, by the rulings of P&L and snapshots.

Slow on purpose and made of nothing that the fold is made of. Amounts of a lot are rounded once, half to even, to
ten-thousandths of a dollar, as the fold states it; nothing else is rounded.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

ZERO, ONE = Decimal(0), Decimal(1)
FIVE_SESSIONS = 5
Actions = Mapping[str, Mapping[date, Decimal]]


@dataclass(frozen=True)
class Lot:
    symbol: str
    quantity: Decimal
    entry_price: Decimal
    entry_date: date
    entry_fee: Decimal = ZERO
    exit_price: Decimal | None = None
    exit_date: date | None = None
    exit_fee: Decimal = ZERO
    multiplier: Decimal = ONE
    investment_class: Literal["PUBLIC", "OPTIONS", "PRIVATE"] = "PUBLIC"
    underlying: str | None = None
    option_type: Literal["CALL", "PUT"] | None = None
    strike: Decimal = ZERO
    expires: date | None = None
    prices: Mapping[date, Decimal] = field(default_factory=dict)
    """By hand."""

    @property
    def split_symbol(self) -> str:
        return self.underlying or self.symbol


@dataclass(frozen=True)
class Flow:
    day: date
    amount: Decimal
    kind: Literal["deposit", "withdrawal", "fee"]


@dataclass(frozen=True)
class Tape:
    """Closes as traded by symbol and session, and what went ex when."""

    sessions: Sequence[date]
    closes: Mapping[str, Mapping[date, Decimal]]
    splits: Actions = field(default_factory=dict)
    distributions: Actions = field(default_factory=dict)
    dividends: Actions = field(default_factory=dict)

    def counts_on(self, day: date) -> int:
        """The session of a day, or the next; the number of sessions where there is none."""
        return bisect_left(self.sessions, day)

    def close(self, symbol: str, session: int) -> Decimal | None:
        return self.closes.get(symbol, {}).get(self.sessions[session])

    def last_close(self, symbol: str, session: int, earliest: int) -> tuple[int, Decimal] | None:
        for place in range(session, max(earliest, 0) - 1, -1):
            close = self.close(symbol, place)
            if close is not None:
                return place, close
        return None

    def going_ex(self, actions: Actions, symbol: str, session: int) -> list[tuple[date, Decimal]]:
        """What counts on this session."""
        return [item for item in sorted(actions.get(symbol, {}).items()) if self.counts_on(item[0]) == session]


@dataclass
class Day:
    """What one lot did on one session, each amount rounded."""

    value: Decimal = ZERO
    held: bool = False
    status: str = ""
    cost: Decimal = ZERO
    proceeds: Decimal = ZERO
    dividend: Decimal = ZERO
    in_kind: Decimal = ZERO
    fees: Decimal = ZERO
    price_pnl: Decimal = ZERO
    trading_pnl: Decimal = ZERO


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def snapshots(
    lots: Sequence[Lot], flows: Sequence[Flow], tape: Tape, first_session: date, declared: Decimal | None
) -> list[dict[str, Decimal | int | None]]:
    """A row a session from `first_session`, or the next session, on."""
    start = tape.counts_on(first_session)
    histories = [_history(lot, tape) for lot in lots]
    rows: list[dict[str, Decimal | int | None]] = []
    cash, nav_before, cumulative = ZERO, ZERO, ZERO
    for session in range(start, len(tape.sessions)):
        first = session == start
        days = [history[session] for history in histories]
        value = sum((day.value for day in days), ZERO)
        parts = dict.fromkeys(("pnl_price", "pnl_dividend", "pnl_in_kind", "pnl_trading", "fees", "flow"), ZERO)
        if first:
            cash = ZERO if declared is None else declared - value
        else:
            today = [flow for flow in flows if tape.counts_on(flow.day) == session]
            parts["flow"] = sum((flow.amount for flow in today if flow.kind != "fee"), ZERO)
            parts["fees"] = -sum((flow.amount for flow in today if flow.kind == "fee"), ZERO)
            for day in days:
                parts["pnl_price"] += day.price_pnl
                parts["pnl_dividend"] += day.dividend
                parts["pnl_in_kind"] += day.in_kind
                parts["pnl_trading"] += day.trading_pnl
                parts["fees"] += day.fees
                cash += day.proceeds - day.cost
            cash += parts["flow"] - parts["fees"] + parts["pnl_dividend"] + parts["pnl_in_kind"]
        pnl = sum((parts[name] for name in parts if name.startswith("pnl")), ZERO) - parts["fees"]
        nav = cash + value
        if not first:
            assert nav == nav_before + pnl + parts["flow"], f"the yardstick itself does not close on {session}"
        cumulative += pnl
        long = sum((day.value for day in days if day.value > 0), ZERO)
        short = sum((day.value for day in days if day.value < 0), ZERO)
        without = sum((abs(day.value) for day in days if day.status == "unpriced"), ZERO)
        rows.append(
            {
                "nav": nav,
                "cash": cash,
                "long_value": long,
                "short_value": short,
                "gross_value": long - short,
                "net_value": long + short,
                "pnl": pnl,
                **parts,
                "cumulative_pnl": cumulative,
                "daily_return": None if first or nav_before <= 0 else pnl / nav_before,
                "positions": sum(day.held for day in days),
                "stale": sum(day.status == "stale" for day in days),
                "unpriced": sum(day.status == "unpriced" for day in days),
                "coverage": None if long == short else 1 - without / (long - short),
            }
        )
        nav_before = nav
    return rows


def _history(lot: Lot, tape: Tape) -> list[Day]:
    """The lot on every session, from its entry on as if nobody had looked later."""
    days = [Day() for _ in tape.sessions]
    opens = tape.counts_on(lot.entry_date)
    closes, exit_amount, exit_fee = _end(lot, tape)
    # Opened before the tape begins: it is simply there.
    began_earlier = bool(tape.sessions) and lot.entry_date < tape.sessions[0]
    size = lot.multiplier
    pending = ONE
    for session in range(opens, min(closes + 1, len(tape.sessions))):
        day = days[session]
        before = days[session - 1] if session else Day(held=began_earlier)
        day.held = session < closes
        own_close = tape.close(lot.symbol, session) if lot.investment_class == "PUBLIC" else None
        if day.held:
            amount, day.status = _worth(lot, tape, session, opens)
            day.value = rounded(amount * size)
        opened = session == opens and not began_earlier
        if opened:
            day.cost, day.fees = rounded(lot.quantity * lot.entry_price * size), lot.entry_fee
        if session == closes:
            day.proceeds = rounded(exit_amount * size)
            day.fees += exit_fee
        if before.held and lot.investment_class == "PUBLIC":
            day.dividend = rounded(
                sum(
                    (
                        units(lot, tape, ex_date, including=False) * size * amount
                        for ex_date, amount in tape.going_ex(tape.dividends, lot.symbol, session)
                    ),
                    ZERO,
                )
            )
            for _, ratio in tape.going_ex(tape.distributions, lot.symbol, session):
                pending *= ratio
            if own_close is not None:
                received: Decimal | None = units(lot, tape, tape.sessions[session]) * own_close
            else:
                received = exit_amount if session == closes else None
            if received is not None:
                day.in_kind, pending = rounded((pending - 1) * received * size), ONE
        if before.held and day.held:
            day.price_pnl = day.value - before.value
        else:
            day.trading_pnl = day.value - before.value - day.cost + day.proceeds
    return days


def units(lot: Lot, tape: Tape, day: date, *, including: bool = True) -> Decimal:
    """The quantity after the splits gone ex since the entry date, those of `day` included or not.

    For a day before the entry date, what the quantity would have been: a close of then is the price of those shares.
    """
    quantity = lot.quantity
    for ex_date, ratio in tape.splits.get(lot.split_symbol, {}).items():
        if lot.entry_date < ex_date and (ex_date < day or (including and ex_date == day)):
            quantity *= ratio
        if day < ex_date <= lot.entry_date:
            quantity /= ratio
    return quantity


def _worth(lot: Lot, tape: Tape, session: int, opens: int) -> tuple[Decimal, str]:
    """Of the whole quantity, the multiplier apart, and how good the price is."""
    if lot.investment_class != "PUBLIC":
        return _worth_by_hand(lot, tape, session)
    found = tape.last_close(lot.symbol, session, opens - FIVE_SESSIONS)
    if found is None:
        return lot.quantity * lot.entry_price, "unpriced"
    place, close = found
    status = "priced" if place == session else "stale" if session - place <= FIVE_SESSIONS else "unpriced"
    return units(lot, tape, tape.sessions[place]) * close, status


def _worth_by_hand(lot: Lot, tape: Tape, session: int) -> tuple[Decimal, str]:
    day, status = tape.sessions[session], "manual"
    if lot.expires is not None:
        expiry = max(tape.counts_on(lot.expires), tape.counts_on(lot.entry_date))
        if session >= expiry:
            day, status = tape.sessions[expiry], "unpriced"
    given = [given_on for given_on in lot.prices if lot.entry_date <= given_on <= day]
    if not given:
        return lot.quantity * lot.entry_price, status
    return units(lot, tape, max(given)) * lot.prices[max(given)], status


def _end(lot: Lot, tape: Tape) -> tuple[int, Decimal, Decimal]:
    """The session on which the lot ends, what the whole quantity fetches, the multiplier apart, and the fee."""
    left, amount, fee = len(tape.sessions), ZERO, ZERO
    if lot.exit_date is not None and lot.exit_price is not None:
        left = tape.counts_on(lot.exit_date)
        amount, fee = units(lot, tape, lot.exit_date) * lot.exit_price, lot.exit_fee
    if lot.expires is None or lot.underlying is None:
        return left, amount, fee
    expiry = max(tape.counts_on(lot.expires), tape.counts_on(lot.entry_date))
    if left <= expiry or expiry == len(tape.sessions):
        return left, amount, fee
    found = tape.last_close(lot.underlying, expiry, expiry - FIVE_SESSIONS)
    if found is None:
        return left, amount, fee
    ratio = units(lot, tape, tape.sessions[found[0]]) / lot.quantity
    sign = 1 if lot.option_type == "CALL" else -1
    return expiry, lot.quantity * max(ZERO, sign * (ratio * found[1] - lot.strike)), ZERO
