"""A CSV or parquet file as checked columns. What is wrong is said with file, line, column, value and how to mend it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from riskstream.symbology import dash_form

Kind: TypeAlias = Literal["text", "number", "date"]
Column: TypeAlias = npt.NDArray[Any]

_TYPES = {"text": pa.string(), "number": pa.float64(), "date": pa.date32()}
_MENDS = {"number": "write it as 1234.5, or leave it empty", "date": "write it as 2026-01-05"}


class FileError(Exception):
    """A file that cannot be used as a whole; the message says which, why and how to mend it."""


@dataclass(frozen=True)
class Table:
    """Columns of one length (N,): text as objects (None where empty), numbers as float64 (NaN), dates as
    datetime64[D] (NaT). Rows with a fault are left out; `faults` says by symbol what the first one was.
    """

    columns: dict[str, Column]
    faults: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns["symbol"])


def read_table(path: Path, kinds: Mapping[str, Kind], required: frozenset[str]) -> Table:
    """Read the columns of `kinds`, of which one is `symbol`; a column that is neither there nor required is empty.

    Column names are taken in any case. Symbols come in the dash form. Raises FileError for a file that cannot be read,
    a required column that is missing and a row without a symbol; a cell that is no number or date, or a required one
    that is empty, is a fault of its symbol.
    """
    found = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    missing = sorted(required - set(found.column_names))
    if missing:
        raise FileError(f"{path.name} has no column {', '.join(missing)}; its columns are {found.column_names}")
    nothing = pa.chunked_array([pa.nulls(len(found), pa.string())])
    raw = {name: found[name] if name in found.column_names else nothing for name in kinds}
    bad: dict[int, str] = {}
    columns = {name: _column(raw[name], kind, name, bad) for name, kind in kinds.items()}
    for name in sorted(required):
        for row in np.flatnonzero(_empty(columns[name])).tolist():
            bad.setdefault(row, f"column {name} is empty; fill it in or take the line out")
    columns["symbol"] = _symbols(columns["symbol"])
    return _without_faults(path, columns, bad)


def _csv(path: Path) -> pa.Table:
    names = _header(path)
    try:
        return pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=1),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{path.name} cannot be read: {error}; give every line the header's columns") from error


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            names = [name.strip().lower() for name in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path.name} cannot be read: {error}; write it in UTF-8") from error
    doubled = sorted({name for name in names if names.count(name) > 1})
    if not names or doubled:
        raise FileError(f"{path.name} line 1: {f'column {doubled[0]} is there twice' if doubled else 'no header'}")
    return names


def _parquet(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{path.name} cannot be read: {error}; write it again as parquet") from error
    return table.rename_columns([name.strip().lower() for name in table.column_names])


def _column(raw: Any, kind: Kind, name: str, bad: dict[int, str]) -> Column:
    text = pa.types.is_string(raw.type) or pa.types.is_large_string(raw.type)
    if text:
        raw = pc.utf8_trim_whitespace(raw)
    try:
        cast = raw.cast(_TYPES[kind])
    except pa.ArrowException:
        cast = _cell_by_cell(raw, kind, name, bad)
    if kind == "number":
        return np.asarray(cast.fill_null(np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
    if kind == "date":
        return np.asarray(cast.to_numpy(zero_copy_only=False), dtype="datetime64[D]")
    return _shared_texts(cast)


def _shared_texts(texts: Any) -> Column:
    """One object for each different text: a symbol comes a thousand times."""
    encoded = texts.combine_chunks().dictionary_encode()
    different = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    chosen: Column = different[encoded.indices.fill_null(len(different) - 1).to_numpy(zero_copy_only=False)]
    return chosen


def _cell_by_cell(raw: Any, kind: Kind, name: str, bad: dict[int, str]) -> Any:
    """The slow way, for a column with something wrong in it: which cells, and what is in them."""
    values: list[object] = []
    for row, cell in enumerate(raw.to_pylist()):
        try:
            values.append(None if cell is None else float(cell) if kind == "number" else date.fromisoformat(str(cell)))
        except (TypeError, ValueError):
            values.append(None)
            bad.setdefault(row, f"column {name} is {str(cell)[:40]!r}, no {kind}; {_MENDS[kind]}")
    return pa.chunked_array([pa.array(values, _TYPES[kind])])


def _empty(column: Column) -> npt.NDArray[np.bool_]:
    if column.dtype == object:
        return np.array([value is None or value == "" for value in column], dtype=bool)
    return np.isnat(column) if column.dtype.kind == "M" else np.zeros(len(column), dtype=bool)


def _symbols(column: Column) -> Column:
    spelled = {text: dash_form(text) if text else "" for text in set(column.tolist())}
    if all(text == symbol for text, symbol in spelled.items()):
        return column
    return np.array([spelled[text] for text in column.tolist()], dtype=object)


def _without_faults(path: Path, columns: dict[str, Column], bad: dict[int, str]) -> Table:
    if not bad:
        return Table(columns)
    lines = _line_numbers(path, bad)
    faults: dict[str, str] = {}
    for row in sorted(bad):
        said = f"{path.name} {lines[row]}: {bad[row]}"
        symbol = columns["symbol"][row]
        if not symbol:
            raise FileError(said)
        faults.setdefault(symbol, said)
    good = np.ones(len(columns["symbol"]), dtype=bool)
    good[list(bad)] = False
    return Table({name: column[good] for name, column in columns.items()}, faults)


def _line_numbers(path: Path, rows: Mapping[int, str]) -> dict[int, str]:
    if path.suffix == ".parquet":
        return {row: f"row {row + 1}" for row in rows}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        numbers = [reader.line_num for cells in reader if cells]
    return {row: f"line {numbers[row + 1]}" for row in rows}
