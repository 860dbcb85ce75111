"""What the gate holds back of ten years of real bars: what the vendor sent, and nearly all of it right."""

import time
import tracemalloc
from datetime import date

import numpy as np
import pytest

from symbol_batch.quality.alone import JUMP, Alone, judge_alone
from symbol_batch.quality.among import DEVIATIONS, RESIDUAL, VOLUME, Among, judge_among
from symbol_batch.quality.habits import DIVIDEND, DIVIDEND_DEVIATIONS, WINDOW, deviation, dividends_in_usual_ones
from symbol_batch.quality.panel import BarPanel
from symbol_batch.quality.rules import Rule

DEAD = ("AMCR", "HWM", "SW")
"""Symbols whose file is stale for years: a day is there, and no trade in it."""


@pytest.fixture(scope="module")
def alone(real) -> Alone:
    return judge_alone(real.panel)


@pytest.fixture(scope="module")
def among(real) -> Among:
    """Every session at once, each with the past it would have had on its night."""
    panel = real.panel
    return judge_among(
        real.returns,
        real.market,
        panel.volume,
        real.sectors,
        rows=len(real.sessions),
        ratios=panel.ratios,
        dividends=panel.dividends,
    )


@pytest.fixture(scope="module")
def living(real) -> np.ndarray:
    return np.array([symbol not in DEAD for symbol in real.symbols])


@pytest.fixture(scope="module")
def alarms(real, alone, among) -> dict[Rule, np.ndarray]:
    return {rule: alone.flagged.get(rule, False) | among.flagged.get(rule, False) for rule in Rule}


def test_false_alarms_are_at_most_one_in_ten_thousand_bars(real, alarms, living) -> None:
    bars = int(np.isfinite(real.panel.close[:, living]).sum())
    assert bars > 900_000
    table = {rule: mask[:, living].sum() / bars * 1e4 for rule, mask in alarms.items()}
    held = np.logical_or.reduce([mask for rule, mask in alarms.items() if rule.holds])[:, living].sum() / bars * 1e4
    said = f"of 10,000 of {bars:,} real bars: " + ", ".join(f"{rule} {rate:.2f}" for rule, rate in table.items())
    print(f"\nsuspicious {said}; held in all {held:.2f}")
    assert 0.1 < held <= 1.0, said
    assert table[Rule.JUMP] <= 0.20, said
    assert table[Rule.CROSS_SECTION] <= 0.25, said
    assert table[Rule.REPEATED] + table[Rule.FROZEN] <= 0.45, said
    assert table[Rule.ENCLOSURE] == 0, said
    assert table[Rule.DIVIDEND] <= 0.05, said


def test_series_that_are_dead_for_years_are_seen(real, alarms) -> None:
    stale = alarms[Rule.REPEATED] | alarms[Rule.FROZEN]
    counts = {symbol: int(stale[:, real.column(symbol)].sum()) for symbol in DEAD}
    print(f"\nstale bars of the dead symbols: {counts}")
    assert counts["AMCR"] > 600, counts
    assert counts["SW"] > 1100, counts
    assert counts["HWM"] == 0, "its bars without volume have closes that moved, so they are not stale"


def test_the_spin_off_counted_twice_is_held(real, alarms) -> None:
    row, column = real.sessions.index(date(2016, 7, 5)), real.column("DHR")
    assert alarms[Rule.DIVIDEND][row, column]


def test_the_files_one_low_above_its_close_is_a_warning(real, alarms) -> None:
    where = np.argwhere(alarms[Rule.LOOSE_ENCLOSURE]).tolist()
    assert [(real.sessions[row], real.symbols[column]) for row, column in where] == [(date(2021, 5, 5), "HUBB")]


def test_listed_splits_and_spin_offs_are_no_alarms(real, alarms) -> None:
    went_ex = real.panel.ratios != 1
    assert went_ex.sum() > 80
    held = np.logical_or.reduce([mask for rule, mask in alarms.items() if rule.holds])
    assert (held & went_ex).sum() <= 2


def test_the_panic_of_march_2020_does_not_flood_the_gate(real, alarms, living) -> None:
    panic = slice(real.sessions.index(date(2020, 2, 20)), real.sessions.index(date(2020, 4, 9)))
    moved = np.abs(np.nan_to_num(real.returns[panic])) > 0.15
    held = np.logical_or.reduce([mask[panic][:, living] for rule, mask in alarms.items() if rule.holds])
    print(f"\nFebruary to April 2020: {moved.sum()} moves of more than 15 %, {held.sum()} bars held")
    assert moved.sum() > 400
    assert held.sum() <= 15
    assert held.sum(axis=1).max() <= 5


def test_missed_splits_at_every_bar_are_caught_as_often_as_they_were_measured_to_be(real, alone, among) -> None:
    """At each bar in turn: the price falls to a part of itself, as many more shares are traded, nothing is listed."""
    judged = np.isfinite(among.z) & (among.residual != 0)
    unit = np.divide(among.z, np.abs(among.residual), where=judged, out=np.full(among.z.shape, np.nan))
    recall = {}
    for name, ratio in (("2:1", 2.0), ("3:2", 1.5), ("5:4", 1.25), ("1:10", 0.1)):
        returns = (1 + real.returns) / ratio - 1
        residual = among.residual + returns - real.returns
        crossed = (np.abs(residual) > RESIDUAL) & (np.abs(residual) * unit > DEVIATIONS)
        caught = (np.abs(returns) > JUMP) | (crossed & ~(among.volume * ratio >= VOLUME))
        recall[name] = caught[judged].mean()
    print(f"\nmissed splits caught, of {judged.sum():,} bars: " + ", ".join(f"{n} {r:.2%}" for n, r in recall.items()))
    assert recall["2:1"] > 0.999
    assert recall["1:10"] > 0.9999
    assert recall["3:2"] > 0.93
    assert recall["5:4"] > 0.94


def test_tenfold_dividends_at_every_payment_are_caught_as_often_as_they_were_measured_to_be(real, alone, among) -> None:
    panel = real.panel
    paid = (
        np.isfinite(among.z)
        & (among.residual != 0)
        & (panel.dividends > 0)
        & (np.arange(len(real.sessions)) >= 260)[:, None]
    )
    unit = np.divide(among.z, np.abs(among.residual), where=paid, out=np.full(among.z.shape, np.nan))
    times = 10 * dividends_in_usual_ones(panel.ratios, panel.dividends)
    caught = []
    for row, column in np.argwhere(paid).tolist():
        more = 9 * panel.dividends[row, column] / panel.close[row - 1, column]
        change, residual = alone.change[row, column] + more, among.residual[row, column] + more
        habit = deviation(np.abs(alone.change[max(row - WINDOW, 0) : row, [column]]))[0]
        unusual = times[row, column] > DIVIDEND
        beyond = change > DIVIDEND_DEVIATIONS * habit or residual * unit[row, column] > DIVIDEND_DEVIATIONS
        caught.append(change > JUMP or (unusual and beyond))
    print(f"\ntenfold dividends caught: {np.mean(caught):.1%} of {len(caught):,}")
    assert np.mean(caught) > 0.72


def test_a_night_of_five_thousand_symbols_is_judged_in_a_second_and_300_mb() -> None:
    random = np.random.default_rng(1)
    shape = sessions, symbols = 340, 5000
    market = random.normal(0, 0.01, sessions)
    returns = market[:, None] + random.normal(0, 0.02, shape)
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    ones, volumes, sectors = np.ones(shape), random.lognormal(12, 1, shape), random.integers(0, 11, symbols)
    panel = BarPanel(close, close * 1.01, close * 0.99, close, volumes, ones, np.zeros(shape))

    begun = time.process_time()
    judge_among(returns, market, volumes, sectors, rows=1, ratios=ones)
    night = time.process_time() - begun
    begun = time.process_time()
    judge_alone(panel)
    every_bar = time.process_time() - begun
    peaks = []
    for judged in (
        lambda: judge_among(returns, market, volumes, sectors, rows=1, ratios=ones),
        lambda: judge_alone(panel),
    ):
        tracemalloc.start()
        judged()
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    print(
        f"\n{symbols:,} symbols × {sessions} sessions: among each other {night:.2f} s and {peaks[0]:.0f} MB, "
        f"every bar alone {every_bar:.2f} s and {peaks[1]:.0f} MB (CPU seconds, memory beyond the panel)"
    )
    assert night < 1.0
    assert max(peaks) < 300
