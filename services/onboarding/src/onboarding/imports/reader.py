"""Our CSV into rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onboarding.imports.findings import COLUMNS, REQUIRED, Field, Finding, ImportRefused
from onboarding.imports.rows import Row
from onboarding.imports.sheet import Line, Sheet, column_name
from onboarding.imports.spelling import has_decimal_commas, plain_number

_FIELDS = {name.lower(): field for field, name in COLUMNS.items()}
_NUMBERS = (
    Field.QUANTITY,
    Field.ENTRY_PRICE,
    Field.STRIKE_PRICE,
    Field.EXIT_PRICE,
    Field.ENTRY_FEE,
    Field.EXIT_FEE,
    Field.MULTIPLIER,
)

REQUIRED_COLUMNS = frozenset(COLUMNS[field].lower() for field in REQUIRED)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, the lines that could not be read as rows, and what else is worth saying."""

    rows: Sequence[Row]
    errors: Sequence[Finding]
    warnings: Sequence[Finding]


def read_table(sheet: Sheet, *, max_rows: int) -> Table:
    """Read a file in our layout: a header in any case and order, then rows.

    Between semicolons and tabs numbers may have decimal commas. Raises ImportRefused for what concerns the whole file:
    no header, columns missing or doubled, no rows, more than `max_rows`. Columns that are not ours are left out with a
    warning.
    """
    lines = (line for line in sheet.lines if not line.is_blank())
    header = _header(lines)
    columns, warnings = _columns(header)
    rows: list[Row] = []
    errors: list[Finding] = []
    for line in lines:
        if len(rows) + len(errors) >= max_rows:
            message = f"The file has more than {max_rows:,} rows; send it in parts."
            raise ImportRefused("too_many_rows", message, line=line.number)
        if line.cells and line.cells == header.cells:
            message = "The header again, as where files were put together; it is no row."
            warnings.append(Finding(line.number, None, "header_repeated", message, line.raw))
            continue
        read = _row(line, len(header.cells), columns)
        if isinstance(read, Finding):
            errors.append(read)
        else:
            rows.append(read)
    if not rows and not errors:
        raise ImportRefused("file_empty", "The file has a header and no rows; there is nothing to import.")
    return Table(rows if sheet.delimiter == "," else _with_decimal_points(rows), errors, warnings)


def _header(lines: Iterator[Line]) -> Line:
    header = next(lines, None)
    if header is None:
        raise ImportRefused("file_empty", "The file has only comment lines.")
    if header.broken is not None:
        message = f"The header cannot be read. {header.broken.message}"
        raise ImportRefused("header_broken", message, line=header.number)
    return header


def _columns(header: Line) -> tuple[dict[int, Field], list[Finding]]:
    """Position to field, and a warning for each column that is not ours."""
    columns: dict[int, Field] = {}
    warnings: list[Finding] = []
    for position, name in enumerate(header.cells):
        field = _FIELDS.get(column_name(name))
        if field is None:
            if name:
                message = "This column is not one of ours and was left out."
                warnings.append(Finding(header.number, None, "column_ignored", message, name))
        elif field in columns.values():
            raise ImportRefused("column_repeated", f"The header has {COLUMNS[field]!r} twice.", line=header.number)
        else:
            columns[position] = field
    missing = [COLUMNS[field] for field in REQUIRED if field not in columns.values()]
    if missing:
        hint = " Cells are parted by comma, semicolon or tab." if len(header.cells) == 1 else ""
        message = f"The header lacks {', '.join(missing)}, and is none of the brokers' that are known.{hint}"
        raise ImportRefused("columns_missing", message, line=header.number)
    return columns, warnings


def _row(line: Line, width: int, columns: Mapping[int, Field]) -> Row | Finding:
    """The line as a row; a finding where it cannot be read."""
    if line.broken is not None:
        return line.broken
    cells = line.cells
    if any(cells[width:]):
        message = f"The line has {len(cells)} cells, the header {width}; quote a value that has a comma in it."
        return Finding(line.number, None, "too_many_cells", message, line.raw)
    return Row(line.number, {field: cells[position] for position, field in columns.items() if position < len(cells)})


def _with_decimal_points(rows: Sequence[Row]) -> list[Row]:
    texts = [row.cells[field] for row in rows for field in _NUMBERS if field in row.cells]
    comma = has_decimal_commas(texts)
    return [Row(row.place, {field: _number(field, text, comma) for field, text in row.cells.items()}) for row in rows]


def _number(field: Field, text: str, decimal_comma: bool) -> str:
    return plain_number(text, decimal_comma=decimal_comma) if field in _NUMBERS and text else text
