"""Loadings and factor risk, symbol by symbol against another derivation, and on what is missing or broken."""

import numpy as np
import pytest

from riskstream.market.risk_factors import BENCHMARKS, RISK_FACTORS, risk_factor_returns
from symbol_batch.factors.risk_model import (
    LOADING_REASONS,
    WHOLE_MARKET,
    Loadings,
    estimate_factor_risk,
    estimate_loadings,
    typical_variances,
    with_typical_variances,
)
from yardstick import risk_model as yardstick

ASSUMED = [1.0, 0, 0, 0, 0, 0, 0, 0]


def loadings_of(panel, **changes) -> Loadings:
    asked = {
        "returns": panel.returns,
        "benchmark_returns": panel.benchmarks,
        "symbols": panel.symbols,
        "sessions": panel.sessions,
    }
    return estimate_loadings(**{**asked, **changes})


def reasons(loadings: Loadings) -> list[str]:
    return [LOADING_REASONS[code] for code in loadings.reason]


def test_the_factors_are_the_market_rates_and_six_styles_without_their_market() -> None:
    assert [(one.slug, one.long, one.short) for one in RISK_FACTORS] == [
        ("market", "SPY", None),
        ("rates", "TLT", None),
        ("value", "VTV", "SPY"),
        ("growth", "VUG", "SPY"),
        ("momentum", "MTUM", "SPY"),
        ("quality", "QUAL", "SPY"),
        ("size", "IWM", "SPY"),
        ("low_volatility", "USMV", "SPY"),
    ]
    benchmarks = np.arange(8.0)[None] ** 2
    assert risk_factor_returns(benchmarks).tolist() == [[0, 1, 4, 9, 16, 25, 36, 49]]
    benchmarks[0, 0] = 10.0
    assert risk_factor_returns(benchmarks).tolist() == [[10, 1, -6, -1, 6, 15, 26, 39]]


@pytest.mark.parametrize("seed", [7, 8])
def test_loadings_equal_regressing_out_the_market_and_a_ridge_on_the_rest(make_panel, seed: int) -> None:
    panel = make_panel(symbols=40, sessions=270, seed=seed)
    panel.benchmarks[100, 3] = np.nan
    found = loadings_of(panel)
    factors = risk_factor_returns(panel.benchmarks)[-252:]
    assert found.estimated.sum() > 20
    for symbol in range(40):
        betas, residuals, observations = yardstick.loadings(panel.returns[-252:, symbol], factors)
        assert found.observations[symbol] == observations
        assert found.estimated[symbol] == (observations >= 126)
        if found.estimated[symbol]:
            np.testing.assert_allclose(found.betas[symbol], betas, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(found.residuals[symbol], residuals, rtol=1e-9, atol=1e-15)
            assert found.specific_variance[symbol] == pytest.approx(yardstick.specific_variance(residuals), rel=1e-9)


def test_the_market_is_not_pulled_towards_zero_while_the_styles_are(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.returns[:, 0] = 2.0 * panel.benchmarks[:, 0]
    panel.returns[:, 1] = 2.0 * panel.benchmarks[:, 1]
    betas = loadings_of(panel).betas
    assert betas[0].tolist() == pytest.approx([2.0, *[0.0] * 7], abs=1e-12)
    assert 1.9 < betas[1, 1] < 2.0


@pytest.mark.parametrize(("observations", "is_estimated"), [(126, True), (125, False)])
def test_half_a_year_is_regressed_and_a_session_less_is_assumed(make_panel, observations, is_estimated) -> None:
    panel = make_panel(ragged=False)
    panel.returns[:-observations, 3] = np.nan
    found = loadings_of(panel)
    assert found.estimated.tolist() == [symbol != 3 or is_estimated for symbol in range(30)]
    assert found.observations[3] == observations
    if not is_estimated:
        assert reasons(found)[3] == "too_few_observations"
        assert found.betas[3].tolist() == ASSUMED
        assert np.isnan(found.specific_variance[3])
        assert np.isnan(found.residuals[3]).all()


def test_a_symbol_never_seen_is_assumed_too_and_not_dropped(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.returns[:, 0] = np.nan
    found = loadings_of(panel)
    assert (found.observations[0], reasons(found)[0], found.betas[0].tolist()) == (0, "too_few_observations", ASSUMED)
    assert found.symbols == tuple(panel.symbols)


def test_a_factor_that_did_not_vary_over_a_symbols_own_sessions_leaves_it_assumed(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.benchmarks[-130:, 1] = 0.001
    panel.returns[:-130, 4] = np.nan
    found = loadings_of(panel)
    assert reasons(found)[4] == "degenerate_regressor"
    assert found.betas[4].tolist() == ASSUMED
    assert found.estimated.sum() == 29


def test_a_series_that_stands_still_has_no_loadings_and_no_variance(make_panel) -> None:
    panel = make_panel(ragged=False)
    panel.returns[:, 2] = 0.0
    found = loadings_of(panel)
    assert found.estimated[2]
    assert (found.betas[2] == 0).all()
    assert (found.residuals[2] == 0).all()
    assert found.specific_variance[2] == 0


def test_residuals_are_missing_exactly_where_the_return_or_a_factor_is(make_panel) -> None:
    panel = make_panel(sessions=270)
    panel.benchmarks[-10, 5] = np.nan
    found = loadings_of(panel)
    seen = np.isfinite(panel.returns[-252:]) & np.isfinite(panel.benchmarks[-252:]).all(axis=1)[:, None]
    np.testing.assert_array_equal(np.isfinite(found.residuals[found.estimated]), seen.T[found.estimated])


def test_a_panel_shorter_than_the_window_leaves_the_oldest_residuals_missing(make_panel) -> None:
    found = loadings_of(make_panel(sessions=150, ragged=False))
    assert found.residuals.shape == (30, 252)
    assert np.isnan(found.residuals[:, :102]).all()
    assert np.isfinite(found.residuals[:, 102:]).all()
    assert found.estimated.all()


def test_rows_before_the_window_change_nothing(make_panel) -> None:
    panel = make_panel(sessions=300)
    found = loadings_of(panel)
    panel.returns[:48], panel.benchmarks[:48] = np.nan, 9.0
    np.testing.assert_array_equal(found.residuals, loadings_of(panel).residuals)


def test_a_symbol_added_alone_gets_the_same_bits_as_in_the_night(make_panel) -> None:
    panel = make_panel(symbols=300)
    night = loadings_of(panel)
    alone = loadings_of(panel, returns=panel.returns[:, 123:124], symbols=panel.symbols[123:124])
    for name in ("betas", "specific_variance", "observations", "reason", "residuals"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(night, name)[123])


def test_one_symbols_gaps_never_touch_another(make_panel) -> None:
    panel = make_panel(symbols=50)
    before = loadings_of(panel)
    panel.returns[-200:, 17] = np.nan
    after = loadings_of(panel)
    others = np.arange(50) != 17
    for name in ("betas", "specific_variance", "observations", "reason", "residuals"):
        np.testing.assert_array_equal(getattr(before, name)[others], getattr(after, name)[others])


def test_the_newest_residuals_weigh_most_in_the_specific_variance(make_panel) -> None:
    panel = make_panel(ragged=False)
    calm = loadings_of(panel).specific_variance[0]
    early, late = panel.returns.copy(), panel.returns.copy()
    early[10, 0] += 0.2
    late[-10, 0] += 0.2
    assert loadings_of(panel, returns=late).specific_variance[0] > 3 * calm
    assert loadings_of(panel, returns=early).specific_variance[0] < 1.3 * calm


def test_infinite_returns_and_shapes_that_do_not_fit_are_refused(make_panel) -> None:
    panel = make_panel()
    with pytest.raises(ValueError, match="do not fit 252 sessions, 29 symbols"):
        loadings_of(panel, symbols=panel.symbols[1:])
    panel.returns[-1, 0] = np.inf
    with pytest.raises(ValueError, match="a return is infinite"):
        loadings_of(panel)


def test_no_symbols_make_an_empty_table(make_panel) -> None:
    panel = make_panel()
    found = loadings_of(panel, returns=panel.returns[:, :0], symbols=[])
    assert found.betas.shape == (0, 8)
    assert found.residuals.shape == (0, 252)
    assert typical_variances(found, {}) == {}


def test_an_assumed_symbol_has_the_median_variance_of_its_sector_or_of_the_market(make_panel) -> None:
    panel = make_panel(ragged=False, symbols=20)
    panel.returns[:-40, [0, 1, 2]] = np.nan
    found = loadings_of(panel)
    sectors = {panel.symbols[0]: "Energy", panel.symbols[1]: "Utilities"}
    sectors |= dict.fromkeys(panel.symbols[3:8], "Energy") | dict.fromkeys(panel.symbols[8:12], "Utilities")
    typical = typical_variances(found, sectors)
    assert set(typical) == {"Energy", WHOLE_MARKET}
    filled = with_typical_variances(found, sectors, typical).specific_variance
    assert filled[0] == np.median(found.specific_variance[3:8])
    assert filled[1] == filled[2] == np.median(found.specific_variance[3:])
    np.testing.assert_array_equal(filled[3:], found.specific_variance[3:])


def test_benchmarks_do_not_count_towards_what_is_typical(make_panel) -> None:
    panel = make_panel(ragged=False, symbols=10)
    names = [*BENCHMARKS, "A", "B"]
    found = loadings_of(panel, symbols=names)
    typical = typical_variances(found, dict.fromkeys(names, "Energy"))
    assert typical == {WHOLE_MARKET: np.median(found.specific_variance[-2:])}


def test_where_nothing_is_estimated_no_variance_is_made_up(make_panel) -> None:
    found = loadings_of(make_panel(sessions=100))
    assert not found.estimated.any()
    filled = with_typical_variances(found, {}, typical_variances(found, {}))
    assert np.isnan(filled.specific_variance).all()
    assert (filled.betas == ASSUMED).all()


def test_factor_risk_is_a_weighted_year_and_five_equal_years(make_panel) -> None:
    panel = make_panel(sessions=1400)
    found = estimate_factor_risk(panel.benchmarks[-270:], panel.benchmarks, panel.sessions[-1])
    assert found.reason is None
    assert (found.covariance.sessions, found.stress_covariance.sessions) == (252, 1260)
    factors = risk_factor_returns(panel.benchmarks)
    np.testing.assert_allclose(np.diag(found.stress_covariance.matrix), factors[-1260:].var(axis=0), rtol=1e-12)
    weighted = np.cov(factors[-252:].T, aweights=yardstick.weights_of(252), ddof=0)
    np.testing.assert_allclose(np.diag(found.covariance.matrix), np.diag(weighted), rtol=1e-12)
    for one in (found.covariance, found.stress_covariance):
        assert np.linalg.eigvalsh(one.matrix).min() > 0


def test_a_stress_history_shorter_than_five_years_says_how_long_it_was(make_panel) -> None:
    panel = make_panel(sessions=400)
    panel.benchmarks[7, 2] = np.nan
    found = estimate_factor_risk(panel.benchmarks, panel.benchmarks, panel.sessions[-1])
    assert found.stress_covariance.sessions == 399


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (np.s_[-1, 5], "benchmark_missing"),
        (np.s_[:-125, 1], "benchmark_too_few_observations"),
        (np.s_[:-126, 1], None),
    ],
)
def test_without_half_a_year_of_every_benchmark_up_to_now_there_is_a_reason_and_no_model(
    make_panel, missing, reason
) -> None:
    panel = make_panel()
    panel.benchmarks[missing] = np.nan
    found = estimate_factor_risk(panel.benchmarks, panel.benchmarks, panel.sessions[-1])
    assert found.reason == reason
    assert (found.covariance is None) == (found.stress_covariance is None) == (reason is not None)


def test_a_style_fund_that_is_the_market_gives_no_model(make_panel) -> None:
    panel = make_panel()
    panel.benchmarks[:, 6] = panel.benchmarks[:, 0]
    found = estimate_factor_risk(panel.benchmarks, panel.benchmarks, panel.sessions[-1])
    assert found.reason == "benchmark_does_not_vary"
