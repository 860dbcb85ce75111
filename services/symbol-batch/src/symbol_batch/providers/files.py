"""Market data out of a folder, for places without a network. The README describes the files."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats
from symbol_batch.providers.file_folder import ACTIONS, BARS, PROFILES, Folder, SymbolRows, prices_of
from symbol_batch.providers.file_tables import FileError
from symbol_batch.providers.provider import (
    Actions,
    ActionsAnswer,
    BarsAnswer,
    DatedFigures,
    Failure,
    LimitedProvider,
    Offer,
    Outcome,
    Profile,
    ProfileAnswer,
    ProviderBars,
    Unusable,
    bars_answer,
)

CURRENCY = "USD"
RATIOS, DIVIDEND = {"split", "distribution"}, "dividend"

Found = TypeVar("Found")


class FilesProvider(LimitedProvider):
    """Bars, actions and profiles of the files as they are at the moment of asking.

    A file that cannot be used is TRANSPORT for every symbol: nobody knows what it holds. A line that cannot be used is
    BAD_DATA for its symbol alone. A symbol in no file is STALE; NOT_FOUND where the folder claims to be complete.
    """

    name = "files"
    offers = frozenset({Offer.SESSION, Offer.HISTORY, Offer.ACTIONS, Offer.PROFILE})

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        return await asyncio.to_thread(lambda: [self._session_bars(symbol, sessions) for symbol in symbols])

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        return await asyncio.to_thread(self._history, symbol, start)

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        found = await asyncio.to_thread(_tried, partial(self._actions, symbol, start))
        if isinstance(found, Failure):
            return ActionsAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        return ActionsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, actions=found)

    async def profile(self, symbol: str) -> ProfileAnswer:
        found = await asyncio.to_thread(_tried, partial(self._profile, symbol))
        if isinstance(found, Failure):
            return ProfileAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        return ProfileAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, profile=found)

    def _session_bars(self, symbol: str, sessions: Sequence[date]) -> BarsAnswer:
        answer = self._history(symbol, sessions[0])
        return answer if answer.bars is None else bars_answer(symbol, self.name, answer.bars, sessions)

    def _history(self, symbol: str, start: date) -> BarsAnswer:
        found = _tried(partial(self._bars, symbol, start))
        if isinstance(found, Failure):
            return BarsAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        return BarsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, bars=found)

    def _bars(self, symbol: str, start: date) -> ProviderBars:
        tables = self._folder.tables("bars", BARS, frozenset({"symbol", "session", "close"}))
        _refuse_faults(tables, symbol)
        days, bars = _gathered(tables, symbol, start)
        if not np.isfinite(bars[:, 3]).any():
            raise self._absent(tables, symbol, f"no bar since {start} in {self._folder.path.name}/bars")
        actions = self._actions(symbol, days[0].astype(object))
        return ProviderBars(
            days=days,
            open=bars[:, 0],
            high=bars[:, 1],
            low=bars[:, 2],
            close=bars[:, 3],
            volume=bars[:, 4],
            ratios=actions.ratios,
            dividends=actions.dividends,
            basis=actions.basis,
        )

    def _actions(self, symbol: str, start: date) -> Actions:
        tables = self._folder.tables("actions", ACTIONS, frozenset(ACTIONS))
        _refuse_faults(tables, symbol)
        ratios: dict[date, float] = {}
        dividends: dict[date, float] = {}
        for rows in tables:
            columns = rows.table.columns
            for row in rows.of(symbol).tolist():
                kind, day = str(columns["kind"][row]).lower(), columns["ex_date"][row].astype(object)
                value = float(columns["value"][row])
                if kind not in RATIOS | {DIVIDEND} or not (np.isfinite(value) and value > 0):
                    raise Unusable(
                        Outcome.BAD_DATA,
                        f"actions say {kind} of {value:g} on {day}; kinds are split, distribution and dividend, values "
                        "are positive",
                    )
                if kind == DIVIDEND:
                    dividends[day] = dividends.get(day, 0.0) + value
                else:
                    ratios[day] = ratios.get(day, 1.0) * value
        basis = self._folder.declared().basis
        return Actions(_since(ratios, start), _since(dividends, start), basis)

    def _profile(self, symbol: str) -> Profile:
        tables = self._folder.tables("profiles", PROFILES, frozenset({"symbol", "kind"}))
        _refuse_faults(tables, symbol)
        found = [(rows.table.columns, row) for rows in tables for row in rows.of(symbol).tolist()]
        if not found:
            raise self._absent(tables, symbol, f"no profile in {self._folder.path.name}")
        columns, row = found[-1]
        return Profile(**{name: _plain(columns[name][row]) for name in PROFILES if name != "symbol"})

    def _absent(self, tables: Sequence[SymbolRows], symbol: str, detail: str) -> Unusable:
        known = any(symbol in rows.places for rows in tables)
        if tables and not known and self._folder.declared().complete:
            return Unusable(Outcome.NOT_FOUND, f"{detail}, which holds every symbol there is")
        return Unusable(Outcome.STALE, detail)


def _tried(read: Callable[[], Found]) -> Found | Failure:
    try:
        return read()
    except FileError as error:
        return Failure(Outcome.TRANSPORT, str(error))
    except Unusable as unusable:
        return unusable.failure


def _gathered(tables: Sequence[SymbolRows], symbol: str, start: date) -> tuple[npt.NDArray[np.datetime64], Floats]:
    """A symbol's rows of all files since a day, oldest first. The same row in two files is one; two different ones of
    one day stay two.
    """
    for rows in tables:
        currencies = {text for text in rows.table.columns["currency"][rows.of(symbol)].tolist() if text}
        if currencies - {CURRENCY}:
            foreign = sorted(currencies - {CURRENCY})[0]
            raise Unusable(Outcome.BAD_DATA, f"priced in {foreign}; only {CURRENCY} is used")
    parts = [prices_of(rows, symbol) for rows in tables if symbol in rows.places]
    if not parts:
        return np.array([], dtype="datetime64[D]"), np.empty((0, 5))
    days, bars = np.concatenate([day for day, _ in parts]), np.concatenate([bar for _, bar in parts])
    keyed = np.column_stack([days.astype(np.int64), np.nan_to_num(bars, nan=-1.0)])
    _, first = np.unique(keyed, axis=0, return_index=True)
    first = first[days[first] >= np.datetime64(start, "D")]
    order = first[np.argsort(days[first], kind="stable")]
    return days[order], bars[order]


def _refuse_faults(tables: Sequence[SymbolRows], symbol: str) -> None:
    for rows in tables:
        if symbol in rows.table.faults:
            raise Unusable(Outcome.BAD_DATA, rows.table.faults[symbol])


def _since(figures: dict[date, float], first: date) -> DatedFigures:
    return tuple((day, figure) for day, figure in sorted(figures.items()) if day >= first)


def _plain(value: Any) -> Any:
    """A cell as a profile has it: None where it is empty."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype(object)
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value or None
