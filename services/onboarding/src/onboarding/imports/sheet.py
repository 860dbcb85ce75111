"""Text into lines of cells. A line is a row: a broken quote spoils its own line, never the rest of the file."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from onboarding.imports.findings import Finding, ImportRefused

LONGEST_LINE = 20_000
MOST_LINES = 200_000
"""Several times the rows that a portfolio may have, for what stands around them."""
DELIMITERS = (",", ";", "\t")

_LINE_END = re.compile(r"\r\n|\r|\n")
_EXCEL_HINT = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_SNIFFED_LINES = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A line's number from 1 and its cells; `broken` says why it has none."""

    number: int
    raw: str
    cells: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    """The cells as columns would be called, were the line a header."""
    broken: Finding | None = None

    def is_blank(self) -> bool:
        return self.broken is None and not any(self.cells)


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a table: the texts by column, and how the file spells the columns."""

    table: str
    number: int
    cells: Mapping[str, str]
    titles: Mapping[str, str]

    def get(self, *columns: str) -> str:
        """The text of the first of `columns` that the table has; empty where it has none."""
        return next((self.cells[column] for column in columns if column in self.cells), "")

    def title(self, *columns: str) -> str | None:
        """The file's own spelling of the first of `columns` that the table has."""
        return next((self.titles[column] for column in columns if column in self.titles), None)


@dataclass(frozen=True, slots=True)
class Banner:
    """A line between tables or below them: a title, an account's name, a footer."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All lines of a file, blank ones included, without comments."""

    lines: Sequence[Line]
    delimiter: str

    def has_table(self, columns: frozenset[str]) -> bool:
        """Whether any line is a header with all of `columns`."""
        return any(columns <= line.names for line in self.lines)

    def walk(self, tables: Mapping[str, frozenset[str]]) -> Iterator[Record | Banner | Finding]:
        """The records of `tables`, each known by the columns that its header must have; a Finding is a broken line.

        Lines with one filled cell are banners, as is all in front of the first header, and what cannot be read
        behind a blank line below a table.
        """
        header: tuple[str, ...] = ()
        table, footer = "", False
        for line in self.lines:
            begun = next((name for name, columns in tables.items() if columns <= line.names), None)
            if begun is not None:
                table, header, footer = begun, line.cells, False
            elif line.is_blank():
                footer = True
            elif not table or (footer and line.broken is not None) or sum(map(bool, line.cells)) == 1:
                yield Banner(line.number, line.raw.strip().strip('",'))
            else:
                yield line.broken or record(table, line, header)


def record(table: str, line: Line, header: tuple[str, ...]) -> Record | Finding:
    """A line under its header; a Finding where it has more cells than the header."""
    if any(line.cells[len(header) :]):
        message = (
            f"The line has {len(line.cells)} cells, the header {len(header)}; quote a value that has a comma in it."
        )
        return Finding(line.number, None, "too_many_cells", message, line.raw)
    columns = _columns(header)
    cells = {name: line.cells[at] if at < len(line.cells) else "" for name, at in columns.items()}
    return Record(table, line.number, cells, {name: header[at] for name, at in columns.items()})


@lru_cache(maxsize=64)
def _columns(header: tuple[str, ...]) -> Mapping[str, int]:
    """Where each column is; the first counts where two are called the same."""
    columns: dict[str, int] = {}
    for at, title in enumerate(header):
        columns.setdefault(column_name(title), at)
    columns.pop("", None)
    return columns


def column_name(title: str) -> str:
    """A column's name however its title is spelt: lower case, single spaces, without the unit `($)`."""
    return " ".join(title.lower().removesuffix("($)").split())


def read_sheet(text: str) -> Sheet:
    """The text as lines of stripped cells, parted by the delimiter that parts most.

    Raises ImportRefused (`too_many_rows`) for more than MOST_LINES lines.
    """
    raws = list(enumerate(_LINE_END.split(text, MOST_LINES), start=1))
    if len(raws) > MOST_LINES:
        raise ImportRefused("too_many_rows", f"The file has more than {MOST_LINES:,} lines; send it in parts.")
    hint = _EXCEL_HINT.fullmatch(raws[0][1])
    if hint:
        raws = raws[1:]
    raws = [(number, raw) for number, raw in raws if not raw.lstrip().lstrip('"').lstrip().startswith("#")]
    delimiter = hint[1] if hint else _delimiter([raw for _, raw in raws if raw.strip()][:_SNIFFED_LINES])
    return Sheet([_line(number, raw, delimiter) for number, raw in raws], delimiter)


def _delimiter(sample: Sequence[str]) -> str:
    """Counted outside of quotes; the comma where nothing parts more."""
    return max(DELIMITERS, key=lambda mark: sum(_outside_quotes(line, mark) for line in sample))


def _outside_quotes(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


def _line(number: int, raw: str, delimiter: str) -> Line:
    if len(raw) > LONGEST_LINE:
        message = f"A line has at most {LONGEST_LINE:,} characters."
        return Line(number, raw, broken=Finding(number, None, "line_too_long", message, raw))
    try:
        cells = next(csv.reader([raw], strict=True, delimiter=delimiter), [])
    except csv.Error:
        message = 'The quotes of this line do not match; write "" for a quote inside of quotes.'
        return Line(number, raw, broken=Finding(number, None, "quoting_broken", message, raw))
    stripped = tuple(cell.strip() for cell in cells)
    return Line(number, raw, stripped, frozenset(map(column_name, stripped)))
