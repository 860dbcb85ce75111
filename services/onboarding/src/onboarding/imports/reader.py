"""Our CSV into rows. A line is a row: a broken quote spoils its own line, never the rest of the file."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onboarding.imports.findings import COLUMNS, REQUIRED, Field, Finding, ImportRefused
from onboarding.imports.rows import Row

LONGEST_LINE = 20_000

_LINE_END = re.compile(r"\r\n|\r|\n")
_FIELDS = {name.lower(): field for field, name in COLUMNS.items()}


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, the lines that could not be read as rows, and what else is worth saying."""

    rows: Sequence[Row]
    errors: Sequence[Finding]
    warnings: Sequence[Finding]


def read_csv(content: bytes, *, max_rows: int) -> Table:
    """Read a file in our layout: UTF-8, comma-separated, a header in any case and order, `#` lines skipped.

    Raises ImportRefused for what concerns the whole file: encoding, no header, columns missing or doubled, no rows,
    more than `max_rows`. Columns that are not ours are left out with a warning.
    """
    lines = _lines(_decode(content))
    header_line, header = _header(lines)
    columns, warnings = _columns(header_line, header)
    rows: list[Row] = []
    errors: list[Finding] = []
    for number, line in lines:
        if len(rows) + len(errors) >= max_rows:
            message = f"The file has more than {max_rows:,} rows; send it in parts."
            raise ImportRefused("too_many_rows", message, line=number)
        read = _row(number, line, len(header), columns)
        if isinstance(read, Finding):
            errors.append(read)
        elif read is not None:
            rows.append(read)
    if not rows and not errors:
        raise ImportRefused("file_empty", "The file has a header and no rows; there is nothing to import.")
    return Table(rows, errors, warnings)


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ImportRefused("not_utf8", "The file is UTF-16; save it as CSV UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"The file is not UTF-8: line {line} has the byte 0x{content[error.start]:02x}. Save it as CSV UTF-8."
        raise ImportRefused("not_utf8", message, line=line) from error
    if "\x00" in text:
        raise ImportRefused(
            "not_text", "The file has NUL characters: it is no CSV. A spreadsheet must be saved as CSV."
        )
    if not text.strip():
        raise ImportRefused("file_empty", "The file is empty.")
    return text


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that count, with their numbers from 1."""
    for number, line in enumerate(_LINE_END.split(text), start=1):
        bare = line.strip().strip('"').lstrip()
        if bare and not bare.startswith("#"):
            yield number, line


def _header(lines: Iterator[tuple[int, str]]) -> tuple[int, list[str]]:
    for number, line in lines:
        try:
            return number, [" ".join(cell.split()) for cell in _cells(line)]
        except csv.Error as error:
            raise ImportRefused("header_broken", f"The header cannot be read: {error}.", line=number) from error
    raise ImportRefused("file_empty", "The file has only comment lines.")


def _columns(number: int, header: Sequence[str]) -> tuple[dict[int, Field], list[Finding]]:
    """Position to field, and a warning for each column that is not ours."""
    columns: dict[int, Field] = {}
    warnings: list[Finding] = []
    for position, name in enumerate(header):
        field = _FIELDS.get(name.lower())
        if field is None:
            if name:
                message = "This column is not one of ours and was left out."
                warnings.append(Finding(number, None, "column_ignored", message, name))
        elif field in columns.values():
            raise ImportRefused("column_repeated", f"The header has {COLUMNS[field]!r} twice.", line=number)
        else:
            columns[position] = field
    missing = [COLUMNS[field] for field in REQUIRED if field not in columns.values()]
    if missing:
        hint = " The separator must be a comma." if len(header) == 1 else ""
        message = f"The header lacks {', '.join(missing)}.{hint}"
        raise ImportRefused("columns_missing", message, line=number)
    return columns, warnings


def _row(number: int, line: str, width: int, columns: dict[int, Field]) -> Row | Finding | None:
    """The line as a row; null where all its cells are empty; a finding where it cannot be read."""
    if len(line) > LONGEST_LINE:
        return Finding(number, None, "line_too_long", f"A line has at most {LONGEST_LINE:,} characters.", line)
    try:
        cells = _cells(line)
    except csv.Error:
        message = 'The quotes of this line do not match; write "" for a quote inside of quotes.'
        return Finding(number, None, "quoting_broken", message, line)
    if not any(cell.strip() for cell in cells):
        return None
    if any(cell.strip() for cell in cells[width:]):
        message = f"The line has {len(cells)} cells, the header {width}; quote a value that has a comma in it."
        return Finding(number, None, "too_many_cells", message, line)
    return Row(number, {field: cells[position] for position, field in columns.items() if position < len(cells)})


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], strict=True))
