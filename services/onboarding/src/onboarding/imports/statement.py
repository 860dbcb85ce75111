"""What a dialect makes of a broker's file: holdings, trades, splits and flows, in our words; not judged yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import Instrument
from onboarding.imports.movements import Movement
from onboarding.imports.rows import Row
from onboarding.imports.spelling import number_or_none, unsigned
from onboarding.imports.values import is_absent

NO_CURRENCY = "not said"
"""Refused like every other that is not USD: a file with a column of currencies has said nothing there."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Effect(StrEnum):
    """What a trade does to a holding, as far as the file says it."""

    UNSAID = "unsaid"
    """A purchase covers what is short and opens with the rest; a sale only closes."""
    OPENS = "opens"
    CLOSES = "closes"
    TURNS = "turns"
    """Closes, and opens the other way with the rest."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A position on the file's date, and what its dialect already found wrong with it."""

    row: Row
    found: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A purchase or sale as a row: a closing trade has its price and date in the fields of the exit."""

    row: Row
    account: str
    moment: str
    """Date, and time where the file has it, as text in the order of time."""
    side: Side
    effect: Effect
    found: tuple[Finding, ...] = ()
    transaction: str = ""
    """The broker's number, by which a repetition is known; empty where there is none."""

    @property
    def closes_only(self) -> bool:
        return closes_only(self.side, self.effect)


@dataclass(frozen=True, slots=True)
class Split:
    """So many shares more (or less) of a holding for the same value, before that day's trades."""

    place: int
    account: str
    symbol: str
    moment: str
    added: Decimal


@dataclass(slots=True)
class Statement:
    """A file as its dialect read it."""

    holdings: list[Holding] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)
    """Lines that could not be read."""
    activity_errors: list[Finding] = field(default_factory=list)
    """Rows that change a holding in a way that is not supported."""
    warnings: list[Finding] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By kind of row: the first place, and how many there were."""
    _day_is_said: bool = False

    def leave_out(self, place: int, kind: str) -> None:
        """Count a row that is no position."""
        first, count = self.left_out.get(kind, (place, 0))
        self.left_out[kind] = (first, count + 1)

    def hold(
        self,
        place: int,
        instrument: Instrument,
        *,
        quantity: str,
        cost: str | None,
        market_price: str,
        day: str,
        purchased: str = "",
        currency: str = "USD",
        titles: Mapping[Field, str | None],
    ) -> None:
        """A position: `cost` per share where it is known, else the market price, with a warning.

        It is entered on the day it was `purchased`; where the file does not say it, on `day`, the file's.
        """
        cells = {
            **instrument.cells,
            Field.QUANTITY: quantity,
            Field.ENTRY_PRICE: market_price if cost is None else cost,
            Field.ENTRY_DATE: purchased or day,
            Field.CURRENCY: currency or NO_CURRENCY,
        }
        row = Row(place, cells, _known(titles))
        if not purchased and not self._day_is_said:
            self._day_is_said = True
            message = f"The file does not say when positions were bought; they are entered on {day}, the file's date."
            self.warnings.append(Finding(place, Field.ENTRY_DATE, "entry_date_assumed", message, day))
        if cost is None and not is_absent(market_price):
            message = "The file knows no cost; the position is entered at its market price on the file's date."
            symbol = cells.get(Field.SYMBOL, "")
            self.warnings.append(Finding(place, Field.ENTRY_PRICE, "cost_basis_missing", message, symbol))
        self.holdings.append(Holding(row, _findings(row, instrument.found)))

    def trade(
        self,
        place: int,
        instrument: Instrument,
        side: Side,
        *,
        effect: Effect = Effect.UNSAID,
        quantity: str,
        price: str,
        day: str,
        time: str = "",
        account: str = "",
        currency: str = "USD",
        fee: str = "",
        fee_currency: str = "USD",
        transaction: str = "",
        found: tuple[tuple[str, str, str], ...] = (),
        titles: Mapping[Field, str | None],
    ) -> None:
        """A purchase or sale. The quantity's sign says nothing of a sale; a purchase has none.

        A `fee` below zero is a rebate: a lot has no place for it, nor for a fee in another currency.
        """
        shares = unsigned(quantity) if side is Side.SELL else quantity
        cells = {
            **instrument.cells,
            Field.QUANTITY: shares,
            Field.ENTRY_DATE: day,
            Field.ENTRY_FEE: self._storable(place, fee, fee_currency, titles.get(Field.ENTRY_FEE)),
            Field.CURRENCY: currency or NO_CURRENCY,
        }
        named = dict(_known(titles))
        if closes_only(side, effect):
            # The entry is only there for the rules: an option's must not be later than its expiry.
            entered = min(day, cells.get(Field.EXPIRATION_DATE, day))
            cells |= {Field.ENTRY_PRICE: "1", Field.ENTRY_DATE: entered, Field.EXIT_PRICE: price, Field.EXIT_DATE: day}
            named |= {
                exit_field: named[entry_field]
                for exit_field, entry_field in (
                    (Field.EXIT_PRICE, Field.ENTRY_PRICE),
                    (Field.EXIT_DATE, Field.ENTRY_DATE),
                )
                if entry_field in named
            }
        else:
            cells[Field.ENTRY_PRICE] = price
        row = Row(place, cells, named)
        self.trades.append(
            Trade(
                row=row,
                account=account,
                moment=f"{day} {time}".rstrip(),
                side=side,
                effect=effect,
                found=_findings(row, (*instrument.found, *found)),
                transaction=transaction,
            )
        )

    def flow(
        self,
        place: int,
        what: str,
        *,
        amount: str,
        day: str,
        currency: str = "USD",
        is_fee: bool = False,
        amount_title: str | None,
        day_title: str | None,
    ) -> None:
        """Cash that came in, or went out (`amount` below zero). Other currencies are left out, and fees paid back."""
        number = number_or_none(amount)
        if currency.upper() != "USD":
            self.leave_out(place, f"{what} in {currency or 'a currency that is not said'}")
        elif number is not None and (not number or (is_fee and number > 0)):
            self.leave_out(place, what)
        else:
            movement = Movement(
                place=place,
                what=what,
                amount=amount,
                day=day,
                is_fee=is_fee,
                amount_title=amount_title,
                day_title=day_title,
            )
            self.movements.append(movement)

    def _storable(self, place: int, fee: str, currency: str, title: str | None) -> str:
        """The fee, or nothing and a warning where a lot cannot have it."""
        number = number_or_none(fee)
        if number is None or not number or (number > 0 and currency.upper() == "USD"):
            return fee
        reason = "It is a rebate" if number < 0 else f"It was paid in {currency or 'a currency that is not said'}"
        message = f"{reason}; the lot is entered without it."
        self.warnings.append(Finding(place, Field.ENTRY_FEE, "fee_left_out", message, fee, title))
        return ""

    def refuse_action(self, place: int, action: str, title: str | None) -> None:
        """An error about a row that changes a holding, and is neither trade nor split."""
        message = "This changes a holding in a way that cannot be imported."
        self.activity_errors.append(Finding(place, None, "action_unsupported", message, action, title))


def closes_only(side: Side, effect: Effect) -> bool:
    """Whether a trade can never open a lot."""
    return effect is Effect.CLOSES or (side is Side.SELL and effect is Effect.UNSAID)


def _known(titles: Mapping[Field, str | None]) -> Mapping[Field, str]:
    return {name: title for name, title in titles.items() if title is not None}


def _findings(row: Row, found: tuple[tuple[str, str, str], ...]) -> tuple[Finding, ...]:
    """Beside the symbol only the currency can be wrong before the rules are asked."""
    fields = {"price_in_other_currency": Field.CURRENCY}
    named = [(fields.get(code, Field.SYMBOL), code, message, value) for code, message, value in found]
    return tuple(
        Finding(row.place, name, code, message, value, row.titles.get(name)) for name, code, message, value in named
    )
