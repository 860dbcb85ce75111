"""Stress tests against sums done by hand, and the signs that people rely on."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.book import Book
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures.stress_moves import propagated
from analytics.measures.stress_question import FACTORS, StressTestParameters
from analytics.measures.stress_result import StressOutcome, StressTest
from analytics.measures.stress_test import compute
from analytics.scenarios import SCENARIOS
from yardstick.books import Lot, book_of, edition_of, planted_market

SYMBOLS = ("AAA", "BBB", "NEW")
MARKET = planted_market(SYMBOLS, seed=8)


def edition(betas: dict[str, dict[str, float]], **lacking: Any) -> Edition:
    """Benchmarks as they are; `betas` by symbol and factor, 0 where not said."""
    made = edition_of(MARKET, assumed={"NEW": "too_few_observations"}, **lacking)
    table = made.risk.betas.copy()
    for symbol, own in betas.items():
        table[made.index[symbol]] = [own.get(factor, 0.0) for factor in FACTORS]
    return replace(made, risk=replace(made.risk, betas=table))


TWO = edition({"AAA": {"market": 1.2, "value": 0.5}, "BBB": {"market": 0.8, "rates": 0.3}})


def ask(of: Book, made: Edition = TWO, **parameters: Any) -> StressTest:
    return compute(Evidence(of, made), StressTestParameters(**parameters)).result


def outcome(of: Book, scenario: str, made: Edition = TWO, **parameters: Any) -> StressOutcome:
    [found] = ask(of, made, scenarios=(scenario,), **parameters).outcomes
    return found


def test_a_direct_shock_is_the_sum_of_values_times_betas_times_shocks() -> None:
    of = book_of([Lot("AAA", 600.0, sector="Energy"), Lot("BBB", -400.0)], cash=800.0)
    found = outcome(of, "quality_flight_12").direct  # market -5 %, quality +12 %
    assert found.pnl == pytest.approx(600 * 1.2 * -0.05 - 400 * 0.8 * -0.05)
    assert found.pnl_of_nav == pytest.approx(found.pnl / 1000)
    assert {one.factor: one.pnl for one in found.factors} == {"market": pytest.approx(found.pnl), "quality": 0.0}
    assert [(one.symbol, one.pnl) for one in found.positions] == [
        ("AAA", pytest.approx(-36.0)),
        ("BBB", pytest.approx(16.0)),
    ]
    assert {one.sector: one.pnl for one in found.sectors} == {"Energy": pytest.approx(-36.0), None: pytest.approx(16.0)}


def test_only_the_market_pulls_others_along() -> None:
    of = book_of([Lot("AAA", 600.0), Lot("TLT", 300.0)], cash=100.0)
    assert TWO.risk.factors is not None
    stress = TWO.risk.factors.stress
    found = outcome(of, "market_crash_35")
    moves = {one.factor: one.shock for one in found.propagated.factors}
    assert moves["rates"] == pytest.approx(-0.35 * stress[1, 0] / stress[0, 0])
    assert [one.factor for one in found.direct.factors] == ["market"]
    for style in ("value_rotation_20", "rates_up_100bp", "small_cap_outperformance_10"):
        same = outcome(of, style)
        assert same.direct == same.propagated, "a style or rates says nothing of the market"


def test_a_named_factor_keeps_its_shock_when_the_market_pulls() -> None:
    shocks = np.array([[-0.2, 0.0, 0.0, 0.0, 0.0, 0.05, 0.0, 0.0]])
    stress = np.diag(np.full(8, 4.0)) + 1.0
    [found] = propagated(shocks, shocks == 0, stress)
    assert (found[0], found[5]) == (-0.2, 0.05)
    assert found[[1, 2, 3, 4, 6, 7]].tolist() == pytest.approx([-0.2 * 1 / 5] * 6)


def test_higher_yields_cost_a_book_of_long_bonds() -> None:
    bonds = book_of([Lot("TLT", 1000.0)])
    assert outcome(bonds, "rates_up_100bp").direct.pnl == pytest.approx(1000 * (-0.165 + 0.0185))
    assert outcome(bonds, "rates_down_100bp").direct.pnl > 0
    assert outcome(book_of([Lot("TLT", -1000.0)], cash=3000.0), "rates_up_100bp").direct.pnl > 0


def test_a_style_fund_moves_by_what_it_is_ahead_of_the_market() -> None:
    """VTV is the market and value: value +20 % alone makes it rise by 20 %, and SPY by nothing."""
    assert outcome(book_of([Lot("VTV", 100.0)]), "value_rotation_20").direct.pnl == pytest.approx(20.0)
    assert outcome(book_of([Lot("SPY", 100.0)]), "value_rotation_20").direct.pnl == 0.0


def test_a_long_position_cannot_lose_more_than_it_is_worth_and_a_short_one_can() -> None:
    wild = edition({"AAA": {"market": 5.0}, "BBB": {"market": -5.0}})
    found = outcome(book_of([Lot("AAA", 100.0)], cash=50.0), "market_crash_35", wild).direct
    assert (found.pnl, found.capped_positions, found.positions[0].capped) == (-100.0, 1, True)
    assert found.spared_by_caps == pytest.approx(75.0)
    assert sum(one.pnl for one in found.factors) == pytest.approx(found.pnl - found.spared_by_caps)
    short = outcome(book_of([Lot("BBB", -100.0)], cash=300.0), "market_crash_35", wild).direct
    assert (short.pnl, short.capped_positions) == (pytest.approx(-175.0), 0)


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3),
    shock=st.floats(-0.9, 2.0),
    style=st.floats(-0.5, 0.5),
)
def test_parts_add_up_whatever_happens(values: list[float], shock: float, style: float) -> None:
    of = book_of([Lot(s, v, sector=s[0]) for s, v in zip(SYMBOLS, values, strict=True)], cash=5e6)
    own = {
        "name": "mine",
        "shocks": [{"factor": "market", "shock": shock}, {"factor": "size", "shock": style}],
    }
    [found] = ask(of, scenarios=(), own=(own,), top=100).outcomes
    for way in (found.direct, found.propagated):
        scale = 1e-9 * (1 + sum(abs(v) for v in values))
        assert sum(one.pnl for one in way.factors) == pytest.approx(way.pnl - way.spared_by_caps, abs=scale)
        assert sum(one.pnl for one in way.sectors) == pytest.approx(way.pnl, abs=scale)
        assert sum(one.pnl for one in way.positions) == pytest.approx(way.pnl, abs=scale)
        assert way.spared_by_caps >= 0
        assert all(one.pnl >= -max(values[SYMBOLS.index(one.symbol)], 0) or not one.capped for one in way.positions)


def test_a_young_symbol_moves_with_the_market_and_is_counted() -> None:
    found = ask(book_of([Lot("NEW", 100.0)]), scenarios=("market_down_10",))
    assert (found.outcomes[0].direct.pnl, found.assumed_positions) == (pytest.approx(-10.0), 1)


def test_what_has_no_loadings_is_named_and_not_counted_as_safe() -> None:
    none = replace(TWO, risk=replace(TWO.risk, betas=np.full_like(TWO.risk.betas, np.nan)))
    found = compute(Evidence(book_of([Lot("AAA", 100.0)]), none), StressTestParameters())
    assert (found.result.outcomes, found.result.reason, found.coverage) == ([], "no_position_has_it", 0.0)
    half = TWO.risk.betas.copy()
    half[TWO.index["BBB"]] = np.nan
    partly = compute(
        Evidence(book_of([Lot("AAA", 100.0), Lot("BBB", 300.0)]), replace(TWO, risk=replace(TWO.risk, betas=half))),
        StressTestParameters(),
    )
    assert partly.coverage == 0.25
    assert [(one.symbol, one.reason) for one in partly.result.excluded] == [("BBB", "no_loadings")]


def test_without_a_model_there_is_a_reason_and_a_book_of_cash_loses_nothing() -> None:
    none = edition_of(MARKET, model_reason="benchmark_missing")
    held = ask(book_of([Lot("AAA", 100.0)]), none)
    assert (held.outcomes, held.reason, held.model_reason) == ([], "no_risk_model", "benchmark_missing")
    cash = ask(book_of([], cash=100.0), none)
    assert {one.direct.pnl for one in cash.outcomes} == {0.0}
    assert {one.direct.pnl_of_nav for one in cash.outcomes} == {0.0}


def test_without_a_positive_nav_amounts_stay_and_shares_of_it_are_null() -> None:
    found = ask(book_of([Lot("AAA", 100.0)], nav=-5.0), scenarios=("market_down_5",))
    assert found.relative_reason == "nav_not_positive"
    assert (found.outcomes[0].direct.pnl, found.outcomes[0].direct.pnl_of_nav) == (pytest.approx(-6.0), None)


def test_all_of_ours_by_default_and_own_ones_behind_them() -> None:
    own = {"name": "calm", "yield_change": 0.001}
    found = ask(book_of([Lot("AAA", 100.0)]), own=(own,))
    assert [one.scenario for one in found.outcomes] == [*SCENARIOS, "calm"]
    assert (found.outcomes[-1].kind, found.outcomes[-1].yield_change) == ("own", 0.001)


SHOCK = {"factor": "market", "shock": -0.1}


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"scenarios": ("market_up_6",)}, "no scenario 'market_up_6'; there are market_up_5"),
        ({"own": ({"name": "x", "shocks": [{"factor": "gold", "shock": 0.1}]},)}, "no factor 'gold'; there are market"),
        ({"own": ({"name": "x", "shocks": [{"factor": "market", "shock": 1e9}]},)}, "less than or equal to 10"),
        ({"own": ({"name": "x", "shocks": [{"factor": "market", "shock": float("nan")}]},)}, "finite"),
        ({"own": ({"name": "x", "shocks": [{"factor": "market", "shock": -1.5}]},)}, "cannot lose more than 100 %"),
        ({"own": ({"name": "x", "shocks": [SHOCK, SHOCK]},)}, "shocked twice"),
        ({"own": ({"name": "x"},)}, "nothing happens in it"),
        ({"own": ({"name": " ", "shocks": [SHOCK]},)}, "at least 1 character"),
        (
            {"own": ({"name": "x", "yield_change": 0.01, "shocks": [{"factor": "rates", "shock": 0.1}]},)},
            "not both",
        ),
        ({"own": ({"name": "x", "yield_change": 3},)}, "less than or equal to 0.2"),
        ({"own": tuple({"name": str(n), "shocks": [SHOCK]} for n in range(51))}, "at most 50"),
        ({"top": -1}, "greater than or equal to 0"),
        ({"duration": 0}, "greater than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(parameters: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        StressTestParameters(**parameters)


async def test_over_http_ours_are_a_get_and_own_ones_a_post(world: Any, replica: Any) -> None:
    await world.edition(1, date(2024, 12, 16))
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, date(2024, 12, 16), cash=500.0)
    usual = await replica.get(portfolio, "stress-test")
    own = await replica.post(portfolio, "stress-test", {"scenarios": [], "own": [{"name": "mine", "shocks": [SHOCK]}]})
    assert [len(one.json()["data"]["outcomes"]) for one in (usual, own)] == [len(SCENARIOS), 1]
    unknown = await replica.post(portfolio, "stress-test", {"scenarios": ["nothing"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["where"]) == (422, "body.scenarios.0")
