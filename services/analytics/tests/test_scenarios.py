"""The table of scenarios, line by line as the rulings have it."""

import pytest

from analytics.scenarios import SCENARIOS, Scenario, rates_return

RULED: dict[str, tuple[dict[str, float], float | None]] = {
    "market_up_5": ({"market": 0.05}, None),
    "market_down_5": ({"market": -0.05}, None),
    "market_up_10": ({"market": 0.10}, None),
    "market_down_10": ({"market": -0.10}, None),
    "market_rally_25": ({"market": 0.25}, None),
    "market_crash_35": ({"market": -0.35}, None),
    "rates_up_25bp": ({}, 0.0025),
    "rates_down_25bp": ({}, -0.0025),
    "rates_up_50bp": ({}, 0.005),
    "rates_down_50bp": ({}, -0.005),
    "rates_up_100bp": ({}, 0.01),
    "rates_down_100bp": ({}, -0.01),
    "rate_spike_300bp": ({}, 0.03),
    "value_rotation_20": ({"value": 0.20, "growth": -0.10}, None),
    "growth_rally_15": ({"growth": 0.15, "momentum": 0.10}, None),
    "small_cap_outperformance_10": ({"size": 0.10}, None),
    "quality_flight_12": ({"quality": 0.12, "market": -0.05}, None),
    "vix_spike_150": ({"market": -0.15, "low_volatility": 0.03}, None),
    "liquidity_crisis": ({"market": -0.20, "low_volatility": 0.04, "quality": 0.05, "size": -0.05}, None),
    "dotcom_crash_2000": (
        {"market": -0.45, "growth": -0.15, "value": 0.10, "momentum": -0.10, "quality": 0.05},
        None,
    ),
    "financial_crisis_2008": (
        {"market": -0.552, "rates": 0.251, "value": -0.040, "growth": 0.048, "size": -0.032},
        None,
    ),
    "covid_crash_2020": (
        {
            "market": -0.337, "rates": 0.142, "value": -0.027, "growth": 0.019, "momentum": -0.004,
            "quality": -0.003, "size": -0.070, "low_volatility": 0.007,
        },
        None,
    ),
}  # fmt: skip


def test_the_table_is_the_rulings() -> None:
    assert {slug: (dict(one.shocks), one.yield_change) for slug, one in SCENARIOS.items()} == RULED
    kinds = {slug for slug, one in SCENARIOS.items() if one.kind != "standard"}
    assert kinds == {"liquidity_crisis", "dotcom_crash_2000", "financial_crisis_2008", "covid_crash_2020"}
    assert {slug for slug in kinds if SCENARIOS[slug].kind == "measured"} == {
        "financial_crisis_2008",
        "covid_crash_2020",
    }


def test_long_bonds_fall_when_yields_rise_and_by_less_the_further_they_go() -> None:
    assert rates_return(0.01) == pytest.approx(-0.165 + 0.0185)
    assert rates_return(-0.01) == pytest.approx(0.165 + 0.0185)
    assert rates_return(0.03) == pytest.approx(-0.3285, abs=1e-12), "the ruling's -33 %"
    assert SCENARIOS["rates_up_100bp"].returns(duration=10, convexity=0) == {"rates": pytest.approx(-0.1)}


def test_what_no_factor_is_called_and_rates_said_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="no factor gold; there are market, rates"):
        Scenario("x", "x", "own", {"gold": 0.1})
    with pytest.raises(ValueError, match="not both"):
        Scenario("x", "x", "own", {"rates": 0.1}, yield_change=0.01)
