"""What holds for any market."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstream.market.actions import action_panel
from symbol_batch.actions import CorporateAction
from symbol_batch.bars import TradedBars, TradedHistory
from symbol_batch.quality import judge
from symbol_batch.quality.alone import judge_alone
from symbol_batch.quality.among import judge_among
from symbol_batch.quality.medians import median
from symbol_batch.quality.panel import BarPanel
from symbol_batch.quality.rules import Rule

SEEDS = st.integers(0, 2**32 - 1)
LENGTH, COUNT = 160, 12
FIGURES = ("open", "high", "low", "close", "volume", "ratios", "dividends")


def walk(seed: int, volatility: float) -> BarPanel:
    """Clean bars: a geometric walk whose session moves within its low and high, some splits and dividends paid."""
    random = np.random.default_rng(seed)
    shape = LENGTH, COUNT
    ratios = np.where(random.random(shape) < 0.005, random.choice([0.1, 1.5, 2.0, 4.0], shape), 1.0)
    worth = 50 * np.exp(np.cumsum(np.clip(random.normal(0, volatility, shape), -0.3, 0.3), axis=0))
    shares = np.cumprod(ratios, axis=0)
    yields = np.where(np.arange(LENGTH)[:, None] % 30 == 29, 0.005, 0.0)
    close = worth / shares * np.cumprod(1 - yields, axis=0)
    before = np.vstack([close[:1], close[:-1]])
    opened = close * np.exp(random.normal(0, volatility / 3, shape))
    return BarPanel(
        open=opened,
        high=np.maximum(opened, close) * (1 + random.uniform(0, 0.01, shape)),
        low=np.minimum(opened, close) * (1 - random.uniform(0, 0.01, shape)),
        close=close,
        volume=random.integers(1, 10**7, shape).astype(float),
        ratios=ratios,
        dividends=yields * before,
    )


def spoilt(seed: int) -> BarPanel:
    """A walk with gaps and faults of every kind in it."""
    random = np.random.default_rng(seed + 1)
    panel = walk(seed, 0.02)
    figures = {name: getattr(panel, name).copy() for name in FIGURES}
    for row, column in random.integers((1, 0), (LENGTH, COUNT), (30, 2)).tolist():
        if figures["dividends"][row, column] or np.isnan(figures["close"][row, column]):
            continue  # one fault a bar, and no dividend without a bar
        kind = random.integers(0, 6)
        if kind == 0:
            for name in ("open", "high", "low", "close"):
                figures[name][row, column] *= random.choice([100.0, 0.01, 2.0, 0.5])
        elif kind == 1:
            for name in ("open", "high", "low", "close", "volume"):
                figures[name][row, column] = figures[name][row - 1, column]
        elif kind == 2:
            figures["close"][row, column], figures["volume"][row, column] = figures["close"][row - 1, column], 0.0
        elif kind == 3:
            figures["high"][row, column] = figures["low"][row, column] * random.choice([0.5, 0.998])
        elif kind == 4:
            figures["dividends"][row, column] = figures["close"][row, column] * 0.1
        else:
            for name in ("open", "high", "low", "close", "volume"):
                figures[name][row, column] = np.nan
    return BarPanel(**figures)


def returns_of(panel: BarPanel) -> np.ndarray:
    returns = np.full(panel.close.shape, np.nan)
    returns[1:] = (panel.ratios[1:] * panel.close[1:] + panel.dividends[1:]) / panel.close[:-1] - 1
    return returns


@given(SEEDS, st.floats(0.002, 0.05))
@settings(max_examples=60, deadline=None)
def test_a_clean_walk_is_never_suspicious(seed: int, volatility: float) -> None:
    found = judge_alone(walk(seed, volatility))
    assert [rule for rule, mask in found.flagged.items() if mask.any()] == []


@given(SEEDS, st.floats(1e-3, 1e4))
@settings(max_examples=40, deadline=None)
def test_the_unit_of_prices_changes_no_verdict(seed: int, unit: float) -> None:
    panel = spoilt(seed)
    scaled = {name: getattr(panel, name) * (unit if name not in ("volume", "ratios") else 1.0) for name in FIGURES}
    before, after = judge_alone(panel), judge_alone(BarPanel(**scaled))
    for rule in Rule:
        if rule in before.flagged:
            np.testing.assert_array_equal(before.flagged[rule], after.flagged[rule], err_msg=rule)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_symbols_changes_no_verdict(seed: int) -> None:
    panel = spoilt(seed)
    order = np.random.default_rng(seed).permutation(COUNT)
    turned = judge_alone(BarPanel(**{name: getattr(panel, name)[:, order] for name in FIGURES}))
    for rule, mask in judge_alone(panel).flagged.items():
        np.testing.assert_array_equal(mask[:, order], turned.flagged[rule], err_msg=rule)

    returns, sectors = returns_of(panel), np.arange(COUNT) % 2
    market = np.nanmedian(returns[1:], axis=1)
    market = np.concatenate([[np.nan], market])
    straight = judge_among(
        returns, market, panel.volume, sectors, rows=40, ratios=panel.ratios, dividends=panel.dividends
    )
    other = judge_among(
        returns[:, order],
        market,
        panel.volume[:, order],
        sectors[order],
        rows=40,
        ratios=panel.ratios[:, order],
        dividends=panel.dividends[:, order],
    )
    for rule, mask in straight.flagged.items():
        np.testing.assert_array_equal(mask[:, order], other.flagged[rule], err_msg=rule)
    np.testing.assert_allclose(straight.z[:, order], other.z, rtol=1e-9)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_a_symbol_by_itself_is_judged_as_among_all(seed: int) -> None:
    panel = spoilt(seed)
    days = np.datetime64("2025-01-01", "D") + np.arange(LENGTH)
    among_all = judge_alone(panel)
    for column in range(COUNT):
        known = np.isfinite(panel.close[:, column])
        made = TradedBars(days, *(getattr(panel, name)[:, column] for name in FIGURES[:5])).at(known)
        actions = [
            *(
                CorporateAction("X", days[row].astype(object), "split", ratio=panel.ratios[row, column].item())
                for row in np.flatnonzero(panel.ratios[:, column] != 1)
            ),
            *(
                CorporateAction("X", days[row].astype(object), "dividend", amount=panel.dividends[row, column].item())
                for row in np.flatnonzero(panel.dividends[:, column] > 0)
            ),
        ]
        ratios, dividends = action_panel(actions, days, ["X"])
        np.testing.assert_array_equal(ratios[:, 0], panel.ratios[:, column])
        np.testing.assert_array_equal(dividends[:, 0], panel.dividends[:, column])
        found = {(finding.session, finding.rule) for finding in judge(TradedHistory(made, tuple(actions)))}
        expected = {
            (days[row].astype(object), rule)
            for rule, mask in among_all.flagged.items()
            for row in np.flatnonzero(mask[:, column])
        }
        assert found == expected


@given(SEEDS, st.floats(0, 1))
def test_medians_are_numpys_and_nan_where_too_little_is_known(seed: int, missing: float) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (9, 5))
    values[random.random(values.shape) < missing] = np.nan
    for axis in (0, 1):
        found = median(values, axis=axis, least=3)
        for series, own in zip(np.moveaxis(values, axis, -1), found, strict=True):
            known = series[np.isfinite(series)]
            expected = np.median(known) if len(known) >= 3 else np.nan
            np.testing.assert_allclose(own, expected, rtol=1e-12)


def test_the_median_of_no_rows_is_not_known() -> None:
    np.testing.assert_array_equal(median(np.empty((0, 3))), [np.nan] * 3)
    np.testing.assert_array_equal(median(np.empty((3, 0)), axis=1), [np.nan] * 3)
