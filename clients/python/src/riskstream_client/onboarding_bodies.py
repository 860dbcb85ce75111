"""Made from docs/api/onboarding.openapi.json by `make documents`; not edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as date_aliased
from decimal import Decimal
from typing import Literal, NotRequired, TypeAlias, TypedDict

Amount: TypeAlias = Decimal | str | int
"""
USD, shares or units, exact: a float is none, because 0.1 is not one.
"""


class NewPrice(TypedDict):
    date: date_aliased
    price: Amount


class NewCashFlow(TypedDict):
    """
    Money that came or went, after the portfolio's first session.
    """

    kind: Literal['deposit', 'withdrawal', 'fee']
    amount: Amount
    """
    USD, above 0; the kind says which way it goes.
    """

    date: date_aliased
    """
    After the portfolio's first session.
    """

    currency: NotRequired[Literal['USD']]
    note: NotRequired[str]


class PortfolioChange(TypedDict):
    name: NotRequired[str]
    declared_equity: NotRequired[Amount | None]


class NewLot(TypedDict):
    """
    A lot as it was bought, or sold short where the quantity is negative.
    """

    symbol: str
    """
    `BRK.B` and `BRK-B` are the same.
    """

    quantity: Amount
    """
    Signed: short is negative.
    """

    entry_price: Amount
    """
    USD per share, above 0.
    """

    entry_date: date_aliased
    investment_class: NotRequired[Literal['PUBLIC', 'OPTIONS', 'PRIVATE']]
    investment_subtype: NotRequired[str]
    underlying_symbol: NotRequired[str]
    strike_price: NotRequired[Amount]
    expiration_date: NotRequired[date_aliased]
    option_type: NotRequired[Literal['CALL', 'PUT']]
    exit_date: NotRequired[date_aliased]
    exit_price: NotRequired[Amount]
    entry_fee: NotRequired[Amount]
    """
    USD paid when it was opened, for the whole lot; 0 or above.
    """

    exit_fee: NotRequired[Amount]
    """
    USD paid when it was closed, for the whole lot; 0 or above.
    """

    multiplier: NotRequired[Amount]
    """
    100 for options, else 1.
    """

    currency: NotRequired[Literal['USD']]


class LotChange(TypedDict):
    symbol: NotRequired[str]
    """
    `BRK.B` and `BRK-B` are the same.
    """

    quantity: NotRequired[Amount]
    """
    Signed: short is negative.
    """

    entry_price: NotRequired[Amount]
    """
    USD per share, above 0.
    """

    entry_date: NotRequired[date_aliased]
    investment_class: NotRequired[Literal['PUBLIC', 'OPTIONS', 'PRIVATE'] | None]
    investment_subtype: NotRequired[str | None]
    underlying_symbol: NotRequired[str | None]
    strike_price: NotRequired[Amount | None]
    expiration_date: NotRequired[date_aliased | None]
    option_type: NotRequired[Literal['CALL', 'PUT'] | None]
    exit_date: NotRequired[date_aliased | None]
    exit_price: NotRequired[Amount | None]
    entry_fee: NotRequired[Amount | None]
    """
    USD paid when it was opened, for the whole lot; 0 or above.
    """

    exit_fee: NotRequired[Amount | None]
    """
    USD paid when it was closed, for the whole lot; 0 or above.
    """

    multiplier: NotRequired[Amount | None]
    """
    100 for options, else 1.
    """

    currency: NotRequired[Literal['USD'] | None]


class LotClosing(TypedDict):
    exit_date: date_aliased
    exit_price: Amount
    """
    USD per share as traded on that day.
    """

    quantity: NotRequired[Amount]
    """
    Shares as of the exit date, without a sign; else all.
    """

    exit_fee: NotRequired[Amount]
    currency: NotRequired[Literal['USD']]


class CashFlowChange(TypedDict):
    kind: NotRequired[Literal['deposit', 'withdrawal', 'fee']]
    amount: NotRequired[Amount]
    """
    USD, above 0; the kind says which way it goes.
    """

    date: NotRequired[date_aliased]
    """
    After the portfolio's first session.
    """

    currency: NotRequired[Literal['USD']]
    note: NotRequired[str]


class PriceGiven(TypedDict):
    price: Amount
    """
    USD per share or unit, 0 or above.
    """

    currency: NotRequired[Literal['USD']]


class NewPosition(TypedDict):
    """
    A lot, with prices by hand where there is no market for it.
    """

    symbol: str
    """
    `BRK.B` and `BRK-B` are the same.
    """

    quantity: Amount
    """
    Signed: short is negative.
    """

    entry_price: Amount
    """
    USD per share, above 0.
    """

    entry_date: date_aliased
    investment_class: NotRequired[Literal['PUBLIC', 'OPTIONS', 'PRIVATE']]
    investment_subtype: NotRequired[str]
    underlying_symbol: NotRequired[str]
    strike_price: NotRequired[Amount]
    expiration_date: NotRequired[date_aliased]
    option_type: NotRequired[Literal['CALL', 'PUT']]
    exit_date: NotRequired[date_aliased]
    exit_price: NotRequired[Amount]
    entry_fee: NotRequired[Amount]
    """
    USD paid when it was opened, for the whole lot; 0 or above.
    """

    exit_fee: NotRequired[Amount]
    """
    USD paid when it was closed, for the whole lot; 0 or above.
    """

    multiplier: NotRequired[Amount]
    """
    100 for options, else 1.
    """

    currency: NotRequired[Literal['USD']]
    prices: NotRequired[Sequence[NewPrice]]
    """
    Of OPTIONS and PRIVATE: USD per share or unit, each from its day until the next.
    """


class NewLots(TypedDict):
    lots: Sequence[NewLot]


class NewPortfolio(TypedDict):
    name: str
    declared_equity: NotRequired[Amount]
    """
    NAV of the first snapshot, in USD; else the value of the positions.
    """

    first_session: NotRequired[date_aliased]
    """
    An NYSE session, at latest the last published one, which is the default.
    """

    positions: Sequence[NewPosition]
    cash_flows: NotRequired[Sequence[NewCashFlow]]
