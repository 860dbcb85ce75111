"""The table of factors."""

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.definitions import FACTORS, SESSIONS_NEEDED, STYLES


def test_the_twelve_factors_are_those_of_the_specification_in_its_order() -> None:
    table = [(f.name, f.long, f.short, f.window, f.minimum, f.method) for f in FACTORS]
    assert table == [
        ("Market Beta", "SPY", None, 90, 60, "ols"),
        ("IR Beta", "TLT", None, 90, 60, "ols"),
        ("Value", "VTV", None, 90, 60, "ridge"),
        ("Growth", "VUG", None, 90, 60, "ridge"),
        ("Momentum", "MTUM", None, 90, 60, "ridge"),
        ("Quality", "QUAL", None, 90, 60, "ridge"),
        ("Size", "IWM", None, 90, 60, "ridge"),
        ("Low Volatility", "USMV", None, 90, 60, "ridge"),
        ("Growth-Value Spread", "VUG", "VTV", 180, 120, "ols"),
        ("Momentum Spread", "MTUM", "SPY", 180, 120, "ols"),
        ("Size Spread", "IWM", "SPY", 180, 120, "ols"),
        ("Quality Spread", "QUAL", "SPY", 180, 120, "ols"),
    ]


def test_slugs_are_unique_and_every_benchmark_is_used_by_some_factor() -> None:
    assert len({factor.slug for factor in FACTORS}) == 12
    assert {symbol for factor in FACTORS for symbol in factor.benchmarks} == set(BENCHMARKS)
    assert SESSIONS_NEEDED == 180


def test_a_joint_factor_needs_all_style_funds_and_a_spread_both_of_its_own() -> None:
    assert STYLES[0].benchmarks == ("VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV")
    assert FACTORS[8].benchmarks == ("VUG", "VTV")
    assert FACTORS[0].benchmarks == ("SPY",)
