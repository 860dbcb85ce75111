"""What is said about a portfolio beside its positions: name, declared equity, first session, how to import."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from onboarding.api.bodies import NumberText
from onboarding.imports.cells import OLDEST_YEARS
from onboarding.imports.findings import LONGEST_VALUE, Field
from onboarding.imports.instruments import is_isin
from onboarding.imports.mends import mend_of
from onboarding.imports.rows import Row
from onboarding.imports.rules import LARGEST_AMOUNT
from onboarding.imports.values import fit, is_absent, read_date, read_number, years_before

LONGEST_NAME = 200
EQUITY_PLACES = 4
LARGEST_EQUITY = Decimal(10) ** 15

MODES = ("all_or_nothing", "accept_valid")

_POSITION_FIELDS = frozenset(Field)


@dataclass
class Details:
    """Reads fields one by one and notes what is wrong with each, so that all errors come back at once."""

    sent: Mapping[str, Any]
    errors: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, name: str, code: str, message: str, value: object = None) -> None:
        self.errors.append(self.error(name, code, message, value))

    @staticmethod
    def error(name: str, code: str, message: str, value: object = None) -> dict[str, Any]:
        """One error about a field. Where the list of mends has none for the code, the message says how to mend it."""
        return {
            "field": name,
            "code": code,
            "message": message,
            "value": _shown(value),
            "mend": mend_of(code) or message,
        }

    def only(self, known: Sequence[str]) -> None:
        """Refuse fields that are not `known`: a misspelt option must not be ignored in silence."""
        for name in self.sent:
            if name not in known:
                self.refuse(str(name)[:LONGEST_VALUE], "field_unknown", f"Known are {', '.join(known)}.")

    def name(self) -> str:
        value = self.sent.get("name")
        text = value.strip() if isinstance(value, str) and not isinstance(value, NumberText) else ""
        if not text:
            self.refuse("name", "name_missing", "A portfolio needs a name.", value)
        elif len(text) > LONGEST_NAME:
            self.refuse("name", "name_too_long", f"A name has at most {LONGEST_NAME} characters.", value)
        elif not text.isprintable():
            self.refuse("name", "name_bad_characters", "A name is printable text on one line.", value)
        return text

    def declared_equity(self) -> Decimal | None:
        """USD, rounded half to even at 4 decimals; null where none is declared."""
        text = self._scalar("declared_equity")
        if text is None:
            return None
        try:
            equity = read_number(text)
        except ValueError:
            self.refuse("declared_equity", "equity_not_a_number", "Write an amount in USD such as 100000.00.", text)
            return None
        if not 0 < equity <= LARGEST_EQUITY or not fit(equity, EQUITY_PLACES):
            message = f"Declared equity is above 0 and at most {LARGEST_EQUITY:,} USD."
            self.refuse("declared_equity", "equity_out_of_range", message, text)
            return None
        return fit(equity, EQUITY_PLACES)

    def first_session(self) -> date | None:
        return self._day("first_session", "Write the session's date as 2024-12-31.")

    def file_date(self) -> date | None:
        """Of which day a broker's positions are; null: the day that the file names, else today."""
        return self._day("file_date", "Write the date of the broker's file as 2024-12-31.")

    def isins(self) -> dict[str, str]:
        """Tickers by ISIN, for files that have no tickers or other ones: a JSON object in the form or the query."""
        text = self._scalar("isins")
        if text is None:
            return {}
        try:
            sent = json.loads(text)
        except (ValueError, RecursionError):
            sent = None
        if not isinstance(sent, dict) or not all(
            is_isin(isin) and isinstance(ticker, str) and ticker.strip() for isin, ticker in sent.items()
        ):
            message = 'Write a JSON object of tickers by ISIN, such as {"US9220427424": "VT"}.'
            self.refuse("isins", "isins_invalid", message, text)
            return {}
        return {isin.upper(): ticker.strip() for isin, ticker in sent.items()}

    def mode(self) -> str:
        mode = self.sent.get("mode") or MODES[0]
        if mode not in MODES:
            self.refuse("mode", "mode_invalid", f"Write {' or '.join(MODES)}.", mode)
        return str(mode)

    def flag(self, name: str) -> bool:
        text = str(self.sent.get(name, "")).strip().lower()
        if text not in {"", "true", "false", "1", "0"}:
            self.refuse(name, "flag_invalid", "Write true or false.", text)
        return text in {"true", "1"}

    def positions(self, most: int) -> list[Row]:
        """The positions as rows, placed by their index from 0; errors where they are none at all.

        Their `prices` are no cells, and read elsewhere.
        """
        return self.rows("positions", most, besides=frozenset({"prices"}))

    def rows(self, name: str, most: int, *, besides: frozenset[str] = frozenset()) -> list[Row]:
        """The list of positions under `name` as rows, placed by their index from 0; errors where there is none.

        `besides` are members that a position may have and that are passed over.
        """
        sent = self.sent.get(name)
        if not isinstance(sent, list):
            self.refuse(name, f"{name}_missing", f"Send a list of {name}.", sent)
            return []
        if len(sent) > most:
            self.refuse(name, "too_many_rows", f"A portfolio has at most {most:,} {name}.", len(sent))
            return []
        return [Row(index, self._cells(index, position, besides)) for index, position in enumerate(sent)]

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        value = self.sent.get(name)
        if value not in choices:
            self.refuse(name, f"{name}_invalid", f"Write {' or '.join(choices)}.", value)
            return None
        return str(value)

    def positive(self, name: str, places: int, *, zero: bool = False) -> Decimal | None:
        """A number above 0 (or 0 where that may be), rounded half to even at `places` decimals."""
        text = self._scalar(name)
        if text is None:
            self.refuse(name, f"{name}_missing", f"Write the {name} as a number such as 1234.56.", self.sent.get(name))
            return None
        try:
            number = read_number(text)
        except ValueError:
            self.refuse(name, f"{name}_not_a_number", "Write a plain number such as 1234.56.", text)
            return None
        if abs(number) > LARGEST_AMOUNT:
            self.refuse(name, f"{name}_out_of_range", f"Write at most {LARGEST_AMOUNT:,}.", text)
            return None
        stored = fit(number, places)
        if stored < 0 or (not stored and not zero):
            least = "0 or above" if zero else "above 0"
            self.refuse(name, f"{name}_not_positive", f"Write a number {least} ({places} decimals are kept).", text)
            return None
        return stored

    def past_day(self, name: str, today: date) -> date | None:
        """A day of the last hundred years, up to `today`."""
        text = self._scalar(name)
        if text is None:
            self.refuse(name, "date_missing", "Write the date as 2024-12-31.", self.sent.get(name))
            return None
        try:
            day = read_date(text)
        except ValueError:
            self.refuse(name, "date_not_iso", "Write the date as 2024-12-31; it must be in the calendar.", text)
            return None
        if day > today:
            self.refuse(name, "date_in_future", f"The date is in the future; today is {today} in New York.", text)
            return None
        if day < years_before(today, OLDEST_YEARS):
            self.refuse(name, "date_too_old", f"The date is more than {OLDEST_YEARS} years ago.", text)
            return None
        return day

    def note(self, name: str) -> str:
        """Printable text on one line; empty where there is none."""
        value = self.sent.get(name)
        text = value.strip() if isinstance(value, str) else ""
        if (value is not None and not isinstance(value, str)) or len(text) > LONGEST_NAME or not text.isprintable():
            self.refuse(name, f"{name}_invalid", f"Write at most {LONGEST_NAME} printable characters.", value)
        return text

    def only_usd(self, name: str) -> None:
        value = self.sent.get(name)
        if value is not None and (not isinstance(value, str) or value.strip().upper() != "USD"):
            self.refuse(name, "currency_not_usd", "Only USD is supported.", value)

    def _day(self, name: str, message: str) -> date | None:
        text = self._scalar(name)
        if text is None:
            return None
        try:
            return read_date(text)
        except ValueError:
            self.refuse(name, "date_not_iso", message, text)
            return None

    def _cells(self, index: int, position: object, besides: frozenset[str]) -> dict[Field, str]:
        if not isinstance(position, dict):
            self._refuse_cell(index, None, "position_invalid", "A position is an object.", position)
            return {}
        cells: dict[Field, str] = {}
        for name, value in position.items():
            if name in besides:
                continue
            if name not in _POSITION_FIELDS:
                message = f"Positions have the fields {', '.join([*Field, *sorted(besides)])}."
                self._refuse_cell(index, name[:LONGEST_VALUE], "field_unknown", message, value)
            elif isinstance(value, str):
                cells[Field(name)] = value
            elif value is not None:
                self._refuse_cell(index, name, "value_invalid", "Write a text or a number.", value)
        return cells

    def _refuse_cell(self, index: int, name: str | None, code: str, message: str, value: object) -> None:
        error = {"index": index, "field": name, "code": code, "message": message, "value": _shown(value)}
        self.errors.append(error | {"mend": mend_of(code)})

    def _scalar(self, name: str) -> str | None:
        """The field's text; null where it is absent, or refused because it is neither text nor number."""
        value = self.sent.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(name, "value_invalid", "Write a text or a number.", value)
            return None
        return None if is_absent(value.strip()) else value.strip()


def _shown(value: object) -> str | None:
    """A value as an error may repeat it: as text, and bounded."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
