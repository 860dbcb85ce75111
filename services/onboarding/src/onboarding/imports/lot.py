"""A position as it is stored. A position is a lot: what was bought or sold short at one price on one day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class InvestmentClass(StrEnum):
    PUBLIC = "PUBLIC"
    OPTIONS = "OPTIONS"
    PRIVATE = "PRIVATE"


SUBTYPES: Mapping[InvestmentClass, frozenset[str]] = {
    InvestmentClass.PUBLIC: frozenset({"STOCK", "ETF", "MUTUAL_FUND", "BOND", "REIT", "ADR"}),
    InvestmentClass.OPTIONS: frozenset({"LISTED_OPTION", "OTC_OPTION", "CALL", "PUT"}),
    InvestmentClass.PRIVATE: frozenset(
        {
            "PRIVATE_EQUITY",
            "VENTURE_CAPITAL",
            "PRIVATE_DEBT",
            "HEDGE_FUND",
            "REAL_ESTATE",
            "CRYPTOCURRENCY",
            "COMMODITY",
            "ART",
            "OTHER",
        }
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A position as it is stored: quantity signed (short < 0) and as of the entry date, prices in USD per share.

    Fees are USD of the whole lot, never negative: what was paid beside the price when it was opened and when it was
    closed.
    """

    symbol: str
    quantity: Decimal
    multiplier: Decimal
    entry_price: Decimal
    entry_date: date
    exit_price: Decimal | None
    exit_date: date | None
    investment_class: InvestmentClass
    investment_subtype: str | None
    underlying_symbol: str | None
    strike_price: Decimal | None
    expiration_date: date | None
    option_type: str | None
    entry_fee: Decimal = Decimal(0)
    exit_fee: Decimal = Decimal(0)
    """0 while it is open."""

    def symbols_to_price(self, first_session: date) -> tuple[str, ...]:
        """The symbols whose prices a portfolio needs for this lot that begins on `first_session`.

        Of public holdings their own, of options that expire what they are on: its price is what they end at. None of
        what was closed before; what has been closed since counts.
        """
        if self.exit_date is not None and self.exit_date < first_session:
            return ()
        if self.investment_class is InvestmentClass.PUBLIC:
            return (self.symbol,)
        if self.investment_class is InvestmentClass.OPTIONS and self.underlying_symbol and self.expiration_date:
            return (self.underlying_symbol,)
        return ()
