"""What can be wrong with a row: where, which code, why, and the value that was found there."""

from dataclasses import dataclass
from enum import StrEnum

from onboarding.imports.mends import mend_of

LONGEST_VALUE = 100


class Field(StrEnum):
    """A position's fields under the names that JSON uses."""

    SYMBOL = "symbol"
    QUANTITY = "quantity"
    ENTRY_PRICE = "entry_price"
    ENTRY_DATE = "entry_date"
    INVESTMENT_CLASS = "investment_class"
    INVESTMENT_SUBTYPE = "investment_subtype"
    UNDERLYING_SYMBOL = "underlying_symbol"
    STRIKE_PRICE = "strike_price"
    EXPIRATION_DATE = "expiration_date"
    OPTION_TYPE = "option_type"
    EXIT_DATE = "exit_date"
    EXIT_PRICE = "exit_price"
    ENTRY_FEE = "entry_fee"
    EXIT_FEE = "exit_fee"
    MULTIPLIER = "multiplier"
    CURRENCY = "currency"


REQUIRED = (Field.SYMBOL, Field.QUANTITY, Field.ENTRY_PRICE, Field.ENTRY_DATE)

COLUMNS: dict[Field, str] = {
    Field.SYMBOL: "Symbol",
    Field.QUANTITY: "Quantity",
    Field.ENTRY_PRICE: "Entry Price Per Share",
    Field.ENTRY_DATE: "Entry Date",
    Field.INVESTMENT_CLASS: "Investment Class",
    Field.INVESTMENT_SUBTYPE: "Investment Subtype",
    Field.UNDERLYING_SYMBOL: "Underlying Symbol",
    Field.STRIKE_PRICE: "Strike Price",
    Field.EXPIRATION_DATE: "Expiration Date",
    Field.OPTION_TYPE: "Option Type",
    Field.EXIT_DATE: "Exit Date",
    Field.EXIT_PRICE: "Exit Price Per Share",
    Field.ENTRY_FEE: "Entry Fee",
    Field.EXIT_FEE: "Exit Fee",
    Field.MULTIPLIER: "Multiplier",
    Field.CURRENCY: "Currency",
}
"""The header names of our CSV."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one row. `place` is the file's line (from 1) or the index in JSON (from 0)."""

    place: int
    field: Field | None
    """Null where the row as a whole is meant."""
    code: str
    message: str
    value: str = ""
    title: str | None = None
    """The column as the file names it; null where it names it as we do."""

    def __post_init__(self) -> None:
        if len(self.value) > LONGEST_VALUE:
            object.__setattr__(self, "value", self.value[: LONGEST_VALUE - 1] + "…")

    @property
    def column(self) -> str | None:
        """The file's column that is meant; null where it is the row as a whole."""
        return self.title or (None if self.field is None else COLUMNS[self.field])

    @property
    def mend(self) -> str:
        """What to do about it."""
        return mend_of(self.code)


class ImportRefused(Exception):
    """A file that cannot be read as a whole; nothing in it was looked at further.

    `code` is the stable word, `line` the file's line where there is one.
    """

    def __init__(self, code: str, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
