"""All factors of all symbols as of one session."""

import numpy as np
import pytest

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.definitions import FACTORS
from symbol_batch.factors.exposures import REASONS, ExposureTable, benchmark_problems, compute_exposures
from symbol_batch.factors.regression import ols
from symbol_batch.factors.ridge import ridge

FIGURES = ("beta", "standard_error", "standard_error_newey_west", "r_squared", "observations", "reason", "t")


def exposures(panel, **changes) -> ExposureTable:
    asked = {
        "returns": panel.returns,
        "benchmark_returns": panel.benchmarks,
        "symbols": panel.symbols,
        "sessions": panel.sessions,
    }
    return compute_exposures(**{**asked, **changes})


def column(slug: str) -> int:
    return [factor.slug for factor in FACTORS].index(slug)


def reasons(table: ExposureTable, symbol: int) -> list[str]:
    return [REASONS[code] for code in table.reason[symbol]]


def test_each_column_is_its_factors_regression_over_its_own_window(make_panel) -> None:
    panel = make_panel(ragged=False)
    table = exposures(panel)
    spy, tlt, vtv, vug, mtum, qual, iwm, _ = panel.benchmarks.T
    singles = {"market_beta": (spy, 90), "ir_beta": (tlt, 90), "growth_value_spread": (vug - vtv, 180)}
    spreads = {
        "momentum_spread": (mtum - spy, 180),
        "size_spread": (iwm - spy, 180),
        "quality_spread": (qual - spy, 180),
    }
    for slug, (regressor, window) in {**singles, **spreads}.items():
        fit = ols(panel.returns[-window:], regressor[-window:])
        for name in ("beta", "standard_error", "t", "standard_error_newey_west", "t_newey_west", "r_squared"):
            np.testing.assert_array_equal(getattr(table, name)[:, column(slug)], getattr(fit, name))
        assert (table.observations[:, column(slug)] == window).all()
    joint = ridge(panel.returns[-90:], panel.benchmarks[-90:, 2:])
    for position, slug in enumerate(("value", "growth", "momentum", "quality", "size", "low_volatility")):
        np.testing.assert_array_equal(table.beta[:, column(slug)], joint.beta[:, position])
        np.testing.assert_array_equal(table.t[:, column(slug)], joint.t[:, position])
        np.testing.assert_array_equal(table.r_squared[:, column(slug)], joint.r_squared)
    assert table.estimated.all()
    assert table.as_of == panel.sessions[-1]


def test_ridge_factors_have_no_newey_west_figures(make_panel) -> None:
    table = exposures(make_panel())
    ridge_factors = np.array([factor.method == "ridge" for factor in FACTORS])
    assert np.isnan(table.standard_error_newey_west[:, ridge_factors]).all()
    np.testing.assert_array_equal(
        np.isfinite(table.standard_error_newey_west[:, ~ridge_factors]), table.estimated[:, ~ridge_factors]
    )


@pytest.mark.parametrize(("missing", "is_null"), [(30, False), (31, True)])
def test_fewer_observations_than_the_minimum_are_null_with_a_reason_and_their_count(
    make_panel, missing: int, is_null: bool
) -> None:
    panel = make_panel(ragged=False)
    panel.returns[-90 : -90 + missing, 0] = np.nan
    table = exposures(panel)
    short, long = slice(0, 8), slice(8, 12)
    assert np.isnan(table.beta[0, short]).all() == is_null
    assert set(reasons(table, 0)[short]) == ({"too_few_observations"} if is_null else {""})
    assert (table.observations[0, short] == 90 - missing).all()
    assert table.estimated[0, long].all()
    assert table.estimated[1:].all()


def test_a_null_exposure_has_no_figures_at_all_and_is_never_zero(make_panel) -> None:
    table = exposures(make_panel(symbols=60))
    null = ~table.estimated
    assert null.any()
    assert table.estimated.any()
    for name in ("beta", "standard_error", "standard_error_newey_west", "r_squared", "t", "t_newey_west"):
        assert np.isnan(getattr(table, name)[null]).all()
    assert (table.reason[null] > 0).all()
    assert np.isfinite(table.beta[~null]).all()


def test_a_symbol_without_a_return_on_the_last_session_is_still_estimated_on_those_it_has(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.returns[-1, 3] = np.nan
    table = exposures(panel)
    assert table.estimated[3].all()
    assert (table.observations[3] == [89] * 8 + [179] * 4).all()


def test_a_short_panel_gives_what_its_sessions_allow(make_panel) -> None:
    panel = make_panel(sessions=100, ragged=False)
    table = exposures(panel)
    assert table.estimated[:, :8].all()
    assert not table.estimated[:, 8:].any()


def test_a_benchmark_has_no_t_against_itself(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.returns[:, 0] = panel.benchmarks[:, 0]
    table = exposures(panel)
    assert table.beta[0, 0] == pytest.approx(1.0, rel=1e-12)
    assert table.standard_error[0, 0] == 0.0
    assert np.isnan(table.t[0, 0])
    assert not np.isinf(table.t).any()


def test_a_missing_benchmark_takes_away_only_the_factors_that_need_it(make_panel) -> None:
    panel = make_panel()
    panel.benchmarks[-1, BENCHMARKS.index("MTUM")] = np.nan
    missing = {"value", "growth", "momentum", "quality", "size", "low_volatility", "momentum_spread"}
    assert benchmark_problems(panel.benchmarks) == dict.fromkeys(missing, "benchmark_missing")
    table = exposures(panel)
    for index, factor in enumerate(FACTORS):
        gone = factor.slug in missing
        assert not (gone and table.estimated[:, index].any())
        assert not gone or {REASONS[code] for code in table.reason[:, index]} == {"benchmark_missing"}
        assert gone or table.estimated[:, index].any()


def test_a_benchmark_with_exactly_the_minimum_is_no_problem(make_panel) -> None:
    panel = make_panel()
    panel.benchmarks[:-60, BENCHMARKS.index("TLT")] = np.nan
    panel.benchmarks[:-120, BENCHMARKS.index("IWM")] = np.nan
    assert benchmark_problems(panel.benchmarks) == {}


def test_a_benchmark_with_a_short_history_is_a_problem_of_its_factors(make_panel) -> None:
    panel = make_panel()
    panel.benchmarks[:-59, BENCHMARKS.index("TLT")] = np.nan
    panel.benchmarks[:-119, BENCHMARKS.index("IWM")] = np.nan
    assert benchmark_problems(panel.benchmarks) == dict.fromkeys(
        ("ir_beta", "size_spread"), "benchmark_too_few_observations"
    )


def test_joint_factors_need_enough_sessions_common_to_all_style_funds(make_panel) -> None:
    panel = make_panel()
    for offset, symbol in enumerate(("VTV", "VUG", "QUAL")):
        panel.benchmarks[-80 + offset * 11 : -69 + offset * 11, BENCHMARKS.index(symbol)] = np.nan
    problems = benchmark_problems(panel.benchmarks)
    assert problems["size"] == "benchmark_too_few_observations"
    assert "growth_value_spread" not in problems
    assert not benchmark_problems(make_panel().benchmarks)


def test_two_spread_legs_that_are_one_series_give_no_exposure(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.benchmarks[:, BENCHMARKS.index("QUAL")] = panel.benchmarks[:, BENCHMARKS.index("SPY")] + 1e-16
    table = exposures(panel)
    assert {REASONS[code] for code in table.reason[:, column("quality_spread")]} == {"degenerate_regressor"}


def test_a_beta_beyond_five_is_flagged_and_left_as_estimated(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.returns[:, 0], panel.returns[:, 1] = -6 * panel.benchmarks[:, 0], 4.9 * panel.benchmarks[:, 0]
    table = exposures(panel)
    assert table.beta[0, 0] == pytest.approx(-6)
    assert table.extreme[0, 0]
    assert not table.extreme[1, 0]


def test_one_symbols_gaps_never_touch_another(make_panel) -> None:
    panel = make_panel(symbols=50)
    before = exposures(panel)
    panel.returns[-200:, 17] = np.nan
    after = exposures(panel)
    others = np.arange(50) != 17
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(before, name)[others], getattr(after, name)[others])
    assert not after.estimated[17].any()


def test_a_symbol_added_alone_gets_the_same_bits_as_in_the_night(make_panel) -> None:
    panel = make_panel(symbols=300)
    night = exposures(panel)
    alone = exposures(panel, returns=panel.returns[:, 123:124], symbols=panel.symbols[123:124])
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(night, name)[123])


def test_rows_before_the_longest_window_change_nothing(make_panel) -> None:
    panel = make_panel()
    whole = exposures(panel)
    tail = exposures(
        panel,
        returns=panel.returns[-180:],
        benchmark_returns=panel.benchmarks[-180:],
        sessions=panel.sessions[-180:],
    )
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(whole, name), getattr(tail, name))


def test_no_symbols_make_an_empty_table(make_panel) -> None:
    panel = make_panel()
    table = exposures(panel, returns=panel.returns[:, :0], symbols=[])
    assert table.beta.shape == (0, 12)
    assert table.columns()["beta"] == []


def test_columns_hold_a_row_per_symbol_and_factor_with_none_for_nulls(make_panel) -> None:
    panel = make_panel(symbols=7)
    panel.returns[-200:, 2] = np.nan
    table = exposures(panel)
    columns = table.columns()
    assert {len(values) for values in columns.values()} == {7 * 12}
    assert columns["symbol"][24:36] == ["S0002"] * 12
    assert columns["factor"][24:36] == [factor.slug for factor in FACTORS]
    assert columns["window"][:12] == [90] * 8 + [180] * 4
    assert columns["beta"][24:36] == [None] * 12
    assert columns["status"][24:36] == ["null"] * 12
    assert columns["reason"][24:36] == ["too_few_observations"] * 12
    assert columns["observations"][24:36] == [0] * 12
    assert columns["beta"][48:60] == table.beta[4].tolist()
    assert columns["reason"][48:60] == [None] * 12
    assert columns["t_newey_west"][48 + 2 : 48 + 8] == [None] * 6
    assert {type(value) for value in columns["observations"] + columns["window"]} == {int}
    assert {type(value) for value in columns["extreme"]} == {bool}
    assert not any(isinstance(value, float) and np.isnan(value) for values in columns.values() for value in values)


def test_leaving_newey_west_out_changes_nothing_else(make_panel) -> None:
    panel = make_panel()
    full, fast = exposures(panel), exposures(panel, newey_west=False)
    assert np.isnan(fast.standard_error_newey_west).all()
    for name in ("beta", "standard_error", "t", "r_squared", "observations", "reason"):
        np.testing.assert_array_equal(getattr(full, name), getattr(fast, name))


@pytest.mark.parametrize(
    "change",
    [
        lambda panel: {"symbols": panel.symbols[:-1]},
        lambda panel: {"sessions": panel.sessions[:-1]},
        lambda panel: {"benchmark_returns": panel.benchmarks[:, :7]},
        lambda panel: {"returns": panel.returns[:-1]},
        lambda panel: {"returns": panel.returns[:0], "benchmark_returns": panel.benchmarks[:0], "sessions": []},
    ],
)
def test_a_panel_that_does_not_fit_is_refused(make_panel, change) -> None:
    panel = make_panel()
    with pytest.raises(ValueError, match="do not fit"):
        exposures(panel, **change(panel))


def test_sessions_out_of_order_are_refused(make_panel) -> None:
    panel = make_panel()
    with pytest.raises(ValueError, match="sessions must increase"):
        exposures(panel, sessions=panel.sessions[::-1])
