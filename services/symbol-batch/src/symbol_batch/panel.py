"""Closes, actions and companies of many symbols over the sessions that an edition's numbers need."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.market.actions import action_panel
from symbol_batch.actions import CorporateAction
from symbol_batch.bars import Days
from symbol_batch.calendar import Calendar
from symbol_batch.company_metrics import CompanyFacts
from symbol_batch.factors.arrays import Floats
from symbol_batch.prices import Prices, Revision
from symbol_batch.store import companies

SESSIONS = 270
"""A year back and the five sessions that a reference close may be older, with a margin; the windows need 181."""


@dataclass(frozen=True)
class Panel:
    """closes, ratios and dividends are (T, S): a row per consecutive session, a column per symbol; NaN is no close.

    `splits` are those among the actions behind `ratios`; `companies` has the symbols with a profile.
    """

    symbols: tuple[str, ...]
    sessions: list[date]
    closes: Floats
    ratios: Floats
    dividends: Floats
    splits: tuple[CorporateAction, ...] = ()
    companies: Mapping[str, CompanyFacts] = field(default_factory=dict)

    def columns(self, symbols: Sequence[str]) -> list[int] | slice:
        """Where the symbols are; KeyError for one that is not in the panel.

        A slice where they are the panel's own: its columns are then looked at and not copied, 40 MB of 20,000 symbols.
        """
        if tuple(symbols) == self.symbols:
            return slice(None)
        place = {symbol: index for index, symbol in enumerate(self.symbols)}
        return [place[symbol] for symbol in symbols]


async def load_panel(
    engine: AsyncEngine,
    symbols: Sequence[str],
    session: date,
    calendar: Calendar,
    revisions: Sequence[Revision] = (),
    *,
    count: int = SESSIONS,
) -> Panel:
    """The stored closes and actions of the `count` sessions that end with `session`, later ones left aside.

    By default as many as an edition's exposures and metrics need.
    """
    sessions = calendar.window(session, count)
    prices = Prices(engine)
    closes = await prices.panel("close", symbols, sessions)
    # An action dated between two sessions counts on the later one.
    actions = await prices.actions(symbols, sessions[0] - timedelta(days=4), session)
    async with engine.connect() as connection:
        facts = await companies.company_facts(connection, symbols)
    return await asyncio.to_thread(build_panel, symbols, sessions, closes, actions, revisions, companies=facts)


def build_panel(
    symbols: Sequence[str],
    sessions: list[date],
    closes: Floats,
    actions: Iterable[CorporateAction],
    revisions: Iterable[Revision] = (),
    *,
    companies: Mapping[str, CompanyFacts] | None = None,
) -> Panel:
    """The stored closes (T, S) and actions, with the revisions about to be written over them. `sessions` must increase.

    `closes` becomes the panel's own.
    """
    days = np.array(sessions, dtype="datetime64[D]")
    column = {symbol: index for index, symbol in enumerate(symbols)}
    ledger = {(action.symbol, action.ex_date, action.kind): action for action in actions}
    for revision in revisions:
        own = closes[:, column[revision.symbol]]
        _lay(own, days, revision.bars.days, revision.bars.close)
        own[np.isin(days, np.array(revision.removed, dtype="datetime64[D]"))] = np.nan
        ledger |= {(action.symbol, action.ex_date, action.kind): action for action in revision.written}
        for action in revision.vanished:
            ledger.pop((action.symbol, action.ex_date, action.kind), None)
    ratios, dividends = action_panel(ledger.values(), days, symbols)
    splits = tuple(action for action in ledger.values() if action.kind == "split")
    return Panel(tuple(symbols), sessions, closes, ratios, dividends, splits, companies or {})


def _lay(target: Floats, days: Days, own_days: Days, closes: Floats) -> None:
    row = np.searchsorted(days, own_days)
    inside = row < len(days)
    inside[inside] = days[row[inside]] == own_days[inside]
    target[row[inside]] = closes[inside]
