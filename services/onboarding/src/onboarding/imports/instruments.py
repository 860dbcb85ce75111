"""What a broker's symbol stands for: an option's contract, a fund that is cash, a number instead of a ticker."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from onboarding.imports.findings import Field
from onboarding.imports.rules import LARGEST_MULTIPLIER, OPTION_MULTIPLIER
from onboarding.imports.spelling import number_or_none, price_per_share
from onboarding.imports.terms import Terms
from onboarding.imports.values import is_absent

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}

_OCC = re.compile(r"([A-Z]{1,6})\s*(\d{6})([CP])(\d{8})")
_FIDELITY = re.compile(r"-\s*([A-Z]{1,6})(\d{6})([CP])(\d+(?:\.\d+)?)")
_INTERACTIVE_BROKERS = re.compile(r"([A-Z][A-Z ]{0,6}?) (\d{2})([A-Z]{3})(\d{2}) (\d+(?:\.\d+)?) ([CP])")
_SCHWAB = re.compile(r"([A-Z]{1,6}) (\d{2}/\d{2}/\d{4}) (\d+(?:\.\d+)?) ([CP])")

_MONEY_MARKET = re.compile(r"[A-Z]{3}XX")
_CUSIP = re.compile(r"(?=(?:.*[0-9]){3})[0-9A-Z]{8}[0-9]")
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]")


@dataclass(frozen=True, slots=True)
class Contract:
    """A listed option: underlying, expiry, `C` or `P`, strike in USD."""

    underlying: str
    expiry: date
    right: str
    strike: Decimal

    @property
    def name(self) -> str:
        """One spelling for all brokers: `AAPL 17JAN25 180 C`."""
        month = _MONTH_NAMES[self.expiry.month - 1]
        strike = format(self.strike.normalize(), "f")
        return f"{self.underlying} {self.expiry.day:02}{month}{self.expiry.year % 100:02} {strike} {self.right}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a row's symbol stands for."""

    cells: Mapping[Field, str]
    found: tuple[tuple[str, str, str], ...] = ()
    """Code, message and value of what is wrong with it."""
    multiplier: Decimal = Decimal(1)
    is_cash: bool = False


def instrument_of(
    symbol: str, terms: Terms, *, isin: str = "", asset_class: str = "", multiplier: str = ""
) -> Instrument:
    """What `symbol`, or `isin` where the caller maps it, stands for; nothing is looked up elsewhere.

    `asset_class` names one that is not supported, `multiplier` an option's where the file has it.
    """
    bare = "" if is_absent(symbol.strip()) else symbol.strip()
    number = (isin.strip() or (bare if is_isin(bare) else "")).upper()
    if number in terms.isins:
        bare = terms.isins[number]
    elif number and bare.upper() in {"", number}:
        message = "The file names no ticker for this ISIN, and the map of ISINs does not have it."
        return Instrument({Field.SYMBOL: number}, (("isin_unmapped", message, number),))
    contract = read_contract(bare)
    if contract is not None:
        cells = {
            Field.SYMBOL: contract.name,
            Field.INVESTMENT_CLASS: "OPTIONS",
            Field.UNDERLYING_SYMBOL: contract.underlying,
            Field.STRIKE_PRICE: format(contract.strike, "f"),
            Field.EXPIRATION_DATE: contract.expiry.isoformat(),
            Field.OPTION_TYPE: contract.right,
        }
        said = number_or_none(multiplier)
        sensible = said is not None and 0 < said <= LARGEST_MULTIPLIER
        return Instrument(
            cells | {Field.MULTIPLIER: multiplier}, multiplier=said if said and sensible else OPTION_MULTIPLIER
        )
    if is_money_market(bare):
        return Instrument({Field.SYMBOL: bare}, is_cash=True)
    if is_cusip(bare):
        message = "This is a CUSIP, and no ticker: a bond, or shares that were exchanged."
        return Instrument({Field.SYMBOL: bare}, (("cusip_unsupported", message, bare),))
    if asset_class:
        message = "Only shares, funds and options can be imported."
        return Instrument({Field.SYMBOL: bare}, (("asset_class_unsupported", message, asset_class),))
    return Instrument({Field.SYMBOL: bare})


def cost_per_share(total: str, quantity: str, instrument: Instrument) -> str | None:
    """The cost of one share or one unit of an option's underlying; null where the file does not know it.

    A total that cannot be read comes back as it is: the rules refuse it, and show it.
    """
    bare = total.strip()
    if is_absent(bare):
        return None
    price = price_per_share(bare, quantity, instrument.multiplier)
    unreadable = number_or_none(bare) is None and any(character.isdigit() for character in bare)
    return bare if unreadable else price


def read_contract(text: str) -> Contract | None:
    """The option that `text` names; null where it names none.

    Read are `AAPL  250117C00180000` (OCC, strike in thousandths), ` -SNDK270917C1500` (Fidelity),
    `AAPL 17JAN25 180 C` (Interactive Brokers) and `AAPL 01/17/2025 180.00 C` (Schwab).
    """
    bare = text.strip().upper()
    try:
        if found := _OCC.fullmatch(bare):
            return Contract(found[1], _short_date(found[2]), found[3], Decimal(found[4]) / 1000)
        if found := _FIDELITY.fullmatch(bare):
            return Contract(found[1], _short_date(found[2]), found[3], Decimal(found[4]))
        if found := _INTERACTIVE_BROKERS.fullmatch(bare):
            expiry = date(2000 + int(found[4]), _MONTHS.get(found[3], 0), int(found[2]))
            return Contract(found[1].strip(), expiry, found[6], Decimal(found[5]))
        if found := _SCHWAB.fullmatch(bare):
            expiry = datetime.strptime(found[2], "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar date, of no zone
            return Contract(found[1], expiry, found[4], Decimal(found[3]))
    except ValueError:
        return None
    return None


def is_money_market(symbol: str) -> bool:
    """Whether it is cash by another name: the fund tickers that end in XX, and what Fidelity marks with `**`."""
    return symbol.endswith("**") or _MONEY_MARKET.fullmatch(symbol.upper()) is not None


def is_cusip(symbol: str) -> bool:
    """Whether it has the form of a CUSIP: nine characters, the last a digit, three digits or more; no ticker has."""
    return _CUSIP.fullmatch(symbol.upper()) is not None


def is_isin(text: str) -> bool:
    return _ISIN.fullmatch(text.upper()) is not None


def _short_date(digits: str) -> date:
    return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
