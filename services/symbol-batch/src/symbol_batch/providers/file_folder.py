"""A folder of market data, kept in memory (some 80 bytes a bar) and read again where files change or appear."""

import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats
from symbol_batch.providers.file_tables import FileError, Kind, Table, read_table
from symbol_batch.providers.provider import Basis

PRICES = ("open", "high", "low", "close", "volume")
BARS: dict[str, Kind] = {
    **dict.fromkeys(("symbol", "currency"), "text"),
    **dict.fromkeys(PRICES, "number"),
    "session": "date",
}
ACTIONS: dict[str, Kind] = {"symbol": "text", "ex_date": "date", "kind": "text", "value": "number"}
PROFILES: dict[str, Kind] = {
    **dict.fromkeys(("symbol", "kind", "name", "sector", "industry", "country", "currency"), "text"),
    "shares_outstanding": "number",
    "trailing_eps": "number",
    "next_earnings": "date",
}
SUFFIXES = {".csv", ".parquet"}

Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Declared:
    """What `provider.toml` says of the folder."""

    basis: Basis = "as_traded"
    complete: bool = False
    """Whether a symbol that is in no file does not exist, rather than being in a file that has not come."""


@dataclass(frozen=True)
class SymbolRows:
    """The rows of one table by symbol: `order` sorts the table, `places` gives each symbol's part of that order."""

    table: Table
    order: npt.NDArray[np.intp]
    places: dict[str, slice]

    def of(self, symbol: str) -> npt.NDArray[np.intp]:
        return self.order[self.places.get(symbol, slice(0, 0))]


@dataclass
class Folder:
    """`bars/`, `actions`, `profiles` and `provider.toml` of one folder. For several threads."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _read: dict[Path, tuple[tuple[int, int], Any]] = field(default_factory=dict, repr=False)

    def declared(self) -> Declared:
        """Raises FileError for a file that says something else than what there is to say."""
        file = self.path / "provider.toml"
        return self._current(file, _declared) if file.exists() else Declared()

    def tables(self, name: str, kinds: dict[str, Kind], required: frozenset[str]) -> list[SymbolRows]:
        """The tables `name.csv`, `name.parquet` and those in the folder `name`, by name. Raises FileError."""
        if not self.path.is_dir():
            raise FileError(f"there is no folder {self.path}; mount it, or name another in RISKSTREAM_FILES_FOLDER")
        return [
            self._current(file, lambda file: _by_symbol(read_table(file, kinds, required)))
            for file in sorted(self._files(name))
        ]

    def _files(self, name: str) -> Iterator[Path]:
        yield from (file for suffix in SUFFIXES if (file := self.path / f"{name}{suffix}").is_file())
        if (self.path / name).is_dir():
            yield from (file for file in (self.path / name).iterdir() if file.suffix in SUFFIXES)

    def _current(self, file: Path, read: Callable[[Path], Parsed]) -> Parsed:
        with self._lock:
            try:
                state = file.stat()
            except OSError as error:
                raise FileError(f"{file.name} cannot be read: {error}") from error
            seen = state.st_mtime_ns, state.st_size
            kept = self._read.get(file)
            if kept is None or kept[0] != seen:
                kept = self._read[file] = seen, read(file)
            parsed: Parsed = kept[1]
            return parsed


def prices_of(rows: SymbolRows, symbol: str) -> tuple[npt.NDArray[np.datetime64], Floats]:
    """Days (N,) and bars (N, 5) of a symbol in one table of bars."""
    chosen, columns = rows.of(symbol), rows.table.columns
    return columns["session"][chosen], np.column_stack([columns[name][chosen] for name in PRICES])


def _by_symbol(table: Table) -> SymbolRows:
    column = table.columns["symbol"].tolist()
    numbers = {symbol: number for number, symbol in enumerate(dict.fromkeys(column))}
    rows = np.fromiter(map(numbers.__getitem__, column), dtype=np.int32, count=len(column))
    order = np.argsort(rows, kind="stable")
    ends = np.cumsum(np.bincount(rows, minlength=len(numbers))).tolist()
    places = {symbol: slice(begin, end) for symbol, begin, end in zip(numbers, [0, *ends], ends, strict=False)}
    return SymbolRows(table, order, places)


def _declared(file: Path) -> Declared:
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"{file.name} cannot be read: {error}") from error
    basis, universe = said.pop("basis", "as_traded"), said.pop("universe", "partial")
    if said or basis not in {"as_traded", "split_adjusted"} or universe not in {"partial", "complete"}:
        raise FileError(
            f'{file.name} says {said or {"basis": basis, "universe": universe}}; it may say basis = "as_traded" or '
            '"split_adjusted", and universe = "partial" or "complete"'
        )
    return Declared(basis, universe == "complete")
