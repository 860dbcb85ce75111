"""The night's quality gate: its new bars judged among each other, after each was judged alone when it was taken in.

What a symbol's own bars cannot show, a move that neither the market nor its sector made, shows only once all are
there. Sessions that readers have are not judged again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.market.returns import total_returns
from riskstream.messaging import crash_points
from riskstream.runtime.clock import Clock
from symbol_batch.calendar import Calendar
from symbol_batch.factors.arrays import Floats
from symbol_batch.panel import Panel
from symbol_batch.prices import Prices, PriceSeries, QuarantinedBar, agreeing, set_aside
from symbol_batch.providers.provider import Provider
from symbol_batch.quality import Finding, judge_market
from symbol_batch.quality.among import VOLUME_WINDOW
from symbol_batch.store import companies
from symbol_batch.store.fences import NightFence

MARKET = "SPY"
MOST_SESSIONS = 10
"""Sessions judged in one night: as many as may be caught up."""


@dataclass(frozen=True)
class Gated:
    """The panel without the bars that are held back, and the symbols without a usable bar of the session, with why."""

    panel: Panel
    held: Mapping[str, str]
    flagged: int


class MarketGate:
    """Judges a night's bars among each other. `second_sources` are asked about those that would be held back."""

    def __init__(
        self, engine: AsyncEngine, prices: Prices, clock: Clock, second_sources: Sequence[Provider] = ()
    ) -> None:
        self._engine = engine
        self._prices = prices
        self._clock = clock
        self._second_sources = second_sources

    async def hold(self, panel: Panel, published: date | None, calendar: Calendar, fence: NightFence) -> Gated:
        """Hold back what is suspicious in the panel's sessions after `published`; before the first edition, in the
        last one. One transaction under the fence: a run that dies here and is resumed comes to the same.
        """
        session = panel.sessions[-1]
        findings = await self._findings(panel, published)
        bars = await self._bars(findings, session, calendar)
        if bars:
            async with self._engine.begin() as connection:
                await fence.hold(connection)
                await set_aside(connection, bars)
        crash_points.reached("night.after_gate")
        held = [bar for bar in bars if bar.state == "pending"]
        return Gated(_without(panel, held), await self._prices.out_of_use(session), len(held))

    async def _findings(self, panel: Panel, published: date | None) -> dict[str, list[Finding]]:
        new = 1 if published is None else sum(day > published for day in panel.sessions)
        if not new or MARKET not in panel.symbols:
            return {}
        rows = min(new, MOST_SESSIONS)
        recent = await self._prices.panel("volume", panel.symbols, panel.sessions[-(VOLUME_WINDOW + rows) :])
        async with self._engine.connect() as connection:
            sectors = await companies.sectors(connection, panel.symbols)
        return await asyncio.to_thread(_judged, panel, recent, sectors, rows)

    async def _bars(
        self, findings: Mapping[str, Sequence[Finding]], session: date, calendar: Calendar
    ) -> list[QuarantinedBar]:
        """The flagged bars as they are to be recorded; without those that somebody has approved before."""
        if not findings:
            return []
        days = [finding.session for found in findings.values() for finding in found]
        # From a week before: what goes ex between two sessions counts on the later one.
        series = await self._prices.bars(list(findings), min(days) - timedelta(days=7), max(days))
        suspected = [
            [
                self._suspect(series[symbol], finding, session)
                for finding in found
                if not _approved(series[symbol], finding.session)
            ]
            for symbol, found in findings.items()
        ]
        opinions = await asyncio.gather(
            *(agreeing(self._second_sources, bars, session, calendar) for bars in suspected)
        )
        return [
            bar
            if bar.session not in agreed
            else replace(bar, state="confirmed", decided_at=bar.held_at, decided_by=agreed[bar.session])
            for bars, agreed in zip(suspected, opinions, strict=True)
            for bar in bars
        ]

    def _suspect(self, series: PriceSeries, finding: Finding, session: date) -> QuarantinedBar:
        return series.suspect(
            finding.session, rule=str(finding.rule), reason=finding.reason, now=self._clock.now(), held_in=session
        )


def _approved(series: PriceSeries, day: date) -> bool:
    return series.state_of(day) in {"confirmed", "accepted"}


def _judged(panel: Panel, recent_volumes: Floats, sectors: Mapping[str, str], rows: int) -> dict[str, list[Finding]]:
    """Judge the last `rows` sessions. `recent_volumes` are those of the panel's last sessions."""
    names = sorted(set(sectors.values()))
    codes = np.array([names.index(sectors[symbol]) if symbol in sectors else -1 for symbol in panel.symbols])
    returns = total_returns(panel.closes, panel.ratios, panel.dividends)
    volumes = np.full(returns.shape, np.nan)
    volumes[-len(recent_volumes) :] = recent_volumes
    return judge_market(
        panel.symbols,
        panel.sessions,
        returns=returns,
        market=returns[:, panel.symbols.index(MARKET)],
        volumes=volumes,
        sectors=codes,
        rows=rows,
        ratios=panel.ratios,
        dividends=panel.dividends,
    )


def _without(panel: Panel, bars: Sequence[QuarantinedBar]) -> Panel:
    if not bars:
        return panel
    closes, ratios, dividends = (array.copy() for array in (panel.closes, panel.ratios, panel.dividends))
    place = {day: row for row, day in enumerate(panel.sessions)}
    for bar in bars:
        cell = place[bar.session], panel.symbols.index(bar.symbol)
        closes[cell], ratios[cell], dividends[cell] = np.nan, 1.0, 0.0
    with_them = {action for bar in bars for action in bar.actions}
    splits = tuple(split for split in panel.splits if split not in with_them)
    return replace(panel, closes=closes, ratios=ratios, dividends=dividends, splits=splits)
