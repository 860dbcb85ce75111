"""The gate's two doors: a symbol's answer alone, before it is stored, and all symbols among each other, after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from riskstream.market.actions import action_panel
from symbol_batch.actions import CorporateAction
from symbol_batch.bars import Days, TradedBars, TradedHistory, among
from symbol_batch.factors.arrays import Floats
from symbol_batch.quality.alone import judge_alone
from symbol_batch.quality.among import Codes, judge_among
from symbol_batch.quality.habits import WINDOW
from symbol_batch.quality.panel import BarPanel
from symbol_batch.quality.reasons import reason_alone, reason_among
from symbol_batch.quality.rules import Finding

BARS_BEFORE = WINDOW + 1
"""Bars before an answer with which its verdict is the same as with any longer history, dividends apart."""


@dataclass(frozen=True)
class Before:
    """What is known of a symbol besides an answer: bars as traded, held ones too, and its ledger.

    The last `BARS_BEFORE` bars and the last four dividends, older than these bars as they may be, are enough. With less
    the rules that need them are silent.
    """

    bars: TradedBars
    actions: tuple[CorporateAction, ...] = ()


def judge(history: TradedHistory, before: Before | None = None) -> list[Finding]:
    """Hold an answer's bars against each other and against what was there before; oldest first, warnings too.

    Where both have a day or an action the answer's counts. A bar is compared with the last one before it, so bars that
    are held already belong into `before`: a level that stays is one finding and not one each night.
    """
    bars, actions = _joined(history, before)
    if not len(history.bars.days):
        return []
    days, panel = _panel(bars, actions)
    found = judge_alone(panel)
    flagged = np.flatnonzero(found.any_rule[:, 0] & among(days, history.bars.days)).tolist()
    named: list[date] = days.tolist() if flagged else []
    return [
        Finding(named[row], rule, reason_alone(rule, panel, found, named, (row, 0)))
        for row in flagged
        for rule, mask in found.flagged.items()
        if mask[row, 0]
    ]


def judge_market(
    symbols: Sequence[str],
    sessions: Sequence[date],
    *,
    returns: Floats,
    market: Floats,
    volumes: Floats,
    sectors: Codes,
    rows: int = 1,
    ratios: Floats | None = None,
    dividends: Floats | None = None,
    betas: Floats | None = None,
) -> dict[str, list[Finding]]:
    """What the rules among symbols find on the last `rows` sessions, by symbol, one finding a bar.

    Arrays as `judge_among` takes them; without `dividends` none is judged.
    """
    found = judge_among(returns, market, volumes, sectors, rows=rows, ratios=ratios, dividends=dividends, betas=betas)
    judged = sessions[-rows:]
    findings: dict[str, list[Finding]] = {}
    for row, column in np.argwhere(np.logical_or.reduce(list(found.flagged.values()))).tolist():
        rule = next(rule for rule, mask in found.flagged.items() if mask[row, column])
        finding = Finding(judged[row], rule, reason_among(rule, found, (row, column)))
        findings.setdefault(symbols[column], []).append(finding)
    return findings


def _joined(history: TradedHistory, before: Before | None) -> tuple[TradedBars, list[CorporateAction]]:
    if before is None or not len(history.bars.days):
        return history.bars, list(history.actions)
    first = history.bars.days[0].astype(object)
    known = before.bars.at(~among(before.bars.days, history.bars.days))
    bars = TradedBars.joined([known, history.bars]) if len(known.days) else history.bars
    answered = {(action.ex_date, action.kind) for action in history.actions}
    earlier = [a for a in before.actions if a.ex_date < first and (a.ex_date, a.kind) not in answered]
    return bars, [*earlier, *history.actions]


def _panel(bars: TradedBars, actions: Sequence[CorporateAction]) -> tuple[Days, BarPanel]:
    """A column of the bars there are: without rows for missing sessions, as a bar is compared with the last one.

    Actions before the first bar get rows of their own, without a bar: what dividends are usual is older than that.
    """
    first = bars.days[0].astype(object)
    ahead = sorted({action.ex_date for action in actions if action.ex_date < first})
    days = np.concatenate([np.array(ahead, dtype="datetime64[D]"), bars.days])
    opened, high, low, close, volume = (
        np.concatenate([np.full(len(ahead), np.nan), figure])[:, None]
        for figure in (bars.open, bars.high, bars.low, bars.close, bars.volume)
    )
    symbol = actions[0].symbol if actions else ""
    ratios, dividends = action_panel(actions, days, [symbol])
    return days, BarPanel(opened, high, low, close, volume, ratios, dividends)
