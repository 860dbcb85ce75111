"""The cells of one row, read one by one. What cannot be read is noted and reading goes on, so that every error of a row
is found."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from onboarding.imports.findings import Field, Finding
from onboarding.imports.values import fit, is_absent, read_date, read_number, years_before

OLDEST_YEARS = 100
LARGEST_NUMBER = Decimal(10) ** 15

QUANTITY_PLACES = 10
PRICE_PLACES = 8
FEE_PLACES = 4


class Cells:
    """Each method gives a field's value, or null with its error noted in `errors`."""

    def __init__(self, place: int, texts: Mapping[Field, str], titles: Mapping[Field, str], today: date) -> None:
        self._place = place
        self._texts = {field: text.strip() for field, text in texts.items()}
        self._values = {field: text for field, text in self._texts.items() if not is_absent(text)}
        self._titles = titles
        self.today = today
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def text(self, field: Field) -> str:
        """The stripped text; empty where the file says that there is no value."""
        return self._values.get(field, "")

    def refuse(self, field: Field, code: str, message: str, value: str = "") -> None:
        self.errors.append(Finding(self._place, field, code, message, value, self._titles.get(field)))

    def missing(self, field: Field, code: str, message: str) -> None:
        """The field says that it has no value, and how it says so is shown."""
        self.refuse(field, code, message, self._texts.get(field, ""))

    def number(self, field: Field, word: str, places: int) -> Decimal | None:
        """The number as it is stored, rounded half to even with a warning where that changes it."""
        text = self.text(field)
        try:
            number = read_number(text)
        except ValueError:
            message = "Write a plain number such as 1234.56, with a point for decimals."
            self.refuse(field, f"{word}_not_a_number", message, text)
            return None
        if abs(number) > LARGEST_NUMBER:
            self.refuse(field, f"{word}_too_large", f"At most {LARGEST_NUMBER:,} can be stored.", text)
            return None
        stored = fit(number, places)
        if stored != number:
            message = f"Stored with {places} decimals, rounded half to even."
            self.warnings.append(Finding(self._place, field, "number_rounded", message, text, self._titles.get(field)))
        return stored

    def quantity(self) -> Decimal | None:
        if not self.text(Field.QUANTITY):
            self.missing(Field.QUANTITY, "quantity_missing", "A position needs a quantity; a short one is negative.")
            return None
        quantity = self.number(Field.QUANTITY, "quantity", QUANTITY_PLACES)
        if quantity is not None and not quantity:
            text = self.text(Field.QUANTITY)
            self.refuse(Field.QUANTITY, "quantity_zero", "A quantity is not zero (10 decimals are kept).", text)
            return None
        return quantity

    def price(self, field: Field, *, zero: bool = False) -> Decimal | None:
        text = self.text(field)
        if not text:
            self.missing(field, "price_missing", "A price per share is needed here.")
            return None
        price = self.number(field, "price", PRICE_PLACES)
        if price is not None and (price < 0 or (not price and not zero)):
            message = "A price is not negative." if zero else "A price is above zero (8 decimals are kept)."
            self.refuse(field, "price_not_positive", message, text)
            return None
        return price

    def fee(self, field: Field) -> Decimal | None:
        """USD of the whole lot; 0 where nothing is said."""
        text = self.text(field)
        if not text:
            return Decimal(0)
        fee = self.number(field, "fee", FEE_PLACES)
        if fee is not None and fee < 0:
            self.refuse(field, "fee_negative", "A fee is what was paid, so it is not below zero.", text)
            return None
        return fee

    def day(self, field: Field) -> date | None:
        text = self.text(field)
        if not text:
            self.missing(field, "date_missing", "A date is needed here.")
            return None
        try:
            day = read_date(text)
        except ValueError:
            self.refuse(field, "date_not_iso", "Write the date as 2024-12-31; it must be in the calendar.", text)
            return None
        if day < years_before(self.today, OLDEST_YEARS):
            self.refuse(field, "date_too_old", f"The date is more than {OLDEST_YEARS} years ago.", text)
            return None
        return day

    def past_day(self, field: Field) -> date | None:
        day = self.day(field)
        if day is not None and day > self.today:
            message = f"The date is in the future; today is {self.today.isoformat()} in New York."
            self.refuse(field, "date_in_future", message, self.text(field))
            return None
        return day
