"""What is said about a portfolio, apart from how it is shown: the terminal and the page show the same sections."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Cells as text, the first one what the row is of; with a value, a bar of it.

    `error` is the value's standard error and `truth` what it should be, both in the value's unit.
    """

    cells: Sequence[str]
    value: float | None = None
    error: float | None = None
    truth: float | None = None


@dataclass(frozen=True)
class Section:
    """A table under a title, perhaps with bars of some of its rows.

    `basis` is what the numbers belong to and how they come about. `chart` names the bars with their unit; without it
    there are none. `shown` is the column whose text stands beside a bar. `notes` say what falls short.
    """

    title: str
    basis: str
    columns: Sequence[str]
    rows: Sequence[Row]
    chart: str | None = None
    shown: int = 1
    notes: Sequence[str] = ()
