"""Rows into lots: every rule about a position, applied to every row, all findings at once.

One set of rules for JSON and files. Numbers are stored rounded half to even at the scale of their column (quantity 10
decimals, prices 8, fees and multiplier 4), with a warning where that changed them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from onboarding.imports.cells import Cells
from onboarding.imports.findings import Field, Finding
from onboarding.imports.flow import FlowRow
from onboarding.imports.lot import Lot
from onboarding.imports.rules import lot_of

OUR_DIALECT = "riskstream"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was sent: its place and the text of its fields. A field that is not there has no text."""

    place: int
    cells: Mapping[Field, str]
    titles: Mapping[Field, str] = field(default_factory=dict)
    """The file's own names of the columns, where they are not ours."""


@dataclass(frozen=True, slots=True)
class Validated:
    """The lots of the rows without an error, in order, each with its place, and everything that was found."""

    rows: int
    lots: Sequence[Lot]
    errors: Sequence[Finding]
    warnings: Sequence[Finding]
    places: Sequence[int] = ()
    rejected: int = 0
    """Rows with an error."""
    dialect: str = OUR_DIALECT
    """Whose layout the rows had."""
    left_out: int = 0
    """Rows that are no positions: totals, dividends."""
    flows: Sequence[FlowRow] = ()
    """Deposits, withdrawals and fees."""

    def is_storable(self, *, partly: bool) -> bool:
        """Whether what is without errors may be stored: all of it must be, unless a part is enough."""
        return bool(self.lots) and (partly or not self.errors)


def validate(rows: Iterable[Row], today: date, found: Sequence[Finding] = ()) -> Validated:
    """Check every row against every rule; `today` is the date in New York.

    `found` are errors of rows that could not even be read; they count as rows with errors. A row with any error
    yields no lot. An identical row is kept and warned about.
    """
    lots: list[Lot] = []
    places: list[int] = []
    errors = list(found)
    warnings: list[Finding] = []
    first_seen: dict[Lot, int] = {}
    count = len({finding.place for finding in found})
    for row in rows:
        count += 1
        checked = check_row(row, today)
        lot = checked.lot
        errors += checked.errors
        if lot is None:
            continue
        warnings += checked.warnings
        first = first_seen.setdefault(lot, row.place)
        if first != row.place:
            message = f"The same as row {first}; both are kept."
            warnings.append(Finding(row.place, None, "identical_row", message, lot.symbol))
        lots.append(lot)
        places.append(row.place)
    errors.sort(key=lambda finding: finding.place)
    return Validated(count, lots, errors, warnings, places, rejected=count - len(lots))


def check_row(row: Row, today: date) -> "Checked":
    """One row against every rule."""
    cells = Cells(row.place, row.cells, row.titles, today)
    return Checked(lot_of(cells), cells.errors, cells.warnings)


@dataclass(frozen=True, slots=True)
class Checked:
    """A row's lot, null where there are errors, and what was found."""

    lot: Lot | None
    errors: Sequence[Finding]
    warnings: Sequence[Finding]
