"""Cash that came into a portfolio or left it, as it is stored."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class FlowKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FEE = "fee"
    """Of the account, not of a trade: a loss, where the two others are no gain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlow:
    """USD on a day: a deposit is above zero, everything else below."""

    kind: FlowKind
    amount: Decimal
    day: date
    note: str
    """What the file calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """A flow as it stands in a file."""

    flow: CashFlow
    place: int
    amount: str
    amount_title: str | None
