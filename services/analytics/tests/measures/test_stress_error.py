"""How far a stress test's P&L may be off: by hand, in worlds made again and again, and where nobody can say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.book import Book
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.loading_errors import loading_errors_of, root_sum_of_squares
from analytics.measures.stress_question import FACTORS, StressTestParameters
from analytics.measures.stress_result import StressOutcome, StressTest
from analytics.measures.stress_test import compute
from analytics.risk_model import FactorCovariance
from riskstream.market.risk_factors import RIDGE_PENALTIES
from yardstick.books import Lot, book_of, edition_of, planted_market
from yardstick.estimated import WINDOW, estimated_edition

SYMBOLS = ("AAA", "BBB", "CCC")
MARKET = planted_market(SYMBOLS, seed=21)
EDITION = estimated_edition(MARKET)
BOOK = book_of([Lot("AAA", 600.0, sector="Energy"), Lot("BBB", -400.0), Lot("CCC", 300.0, sector="Energy")], cash=900.0)


def ask(of: Book, made: Edition = EDITION, **parameters: Any) -> StressTest:
    return compute(Evidence(of, made), StressTestParameters(**parameters)).result


def outcome(of: Book, scenario: str, made: Edition = EDITION, **parameters: Any) -> StressOutcome:
    [found] = ask(of, made, scenarios=(scenario,), **parameters).outcomes
    return found


def loading_error(symbol: str, factor: str, made: Edition = EDITION) -> float:
    errors = loading_errors_of(made, made.rows((symbol,)))
    return float(root_sum_of_squares(errors.scores(np.ones((1, 8)), np.arange(1)))[FACTORS.index(factor)])


def test_one_symbol_and_one_factor_are_off_by_value_times_shock_times_the_loadings_error() -> None:
    found = outcome(book_of([Lot("AAA", 600.0, sector="Energy")]), "market_down_10").direct
    expected = 600 * 0.1 * loading_error("AAA", "market")
    assert found.standard_error == pytest.approx(expected)
    assert [one.standard_error for one in found.factors] == [pytest.approx(expected)]
    assert [one.standard_error for one in found.positions] == [pytest.approx(expected)]
    assert [one.standard_error for one in found.sectors] == [pytest.approx(expected)]


def test_what_the_market_pulls_along_is_off_by_its_slopes_error_too() -> None:
    """A fund is known: TLT holds rates alone, so that only how far the market pulls rates is off."""
    factors = EDITION.risk.factors
    assert factors is not None
    F, n = factors.stress, factors.stress_sessions
    slope_error = np.sqrt((F[1, 1] - F[0, 1] ** 2 / F[0, 0]) / (F[0, 0] * (n - 2)))
    found = outcome(book_of([Lot("TLT", 1_000.0)]), "market_crash_35")
    assert found.direct.standard_error == 0
    assert found.propagated.standard_error == pytest.approx(1_000 * 0.35 * slope_error)
    by_factor = {one.factor: one.standard_error for one in found.propagated.factors}
    assert by_factor["rates"] == pytest.approx(1_000 * 0.35 * slope_error)
    assert [one.standard_error for one in found.propagated.positions] == [pytest.approx(1_000 * 0.35 * slope_error)]


def test_it_is_as_large_as_answers_differ_when_the_world_is_made_again() -> None:
    """Symbols that move together beyond the factors, and five years of factors drawn anew each time."""
    dice = np.random.default_rng(3)
    X = MARKET.factors[-WINDOW:]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    A = np.linalg.inv(Z.T @ Z + np.diag(RIDGE_PENALTIES)) @ Z.T / X.std(axis=0)[:, None]
    together = np.linalg.cholesky(np.cov(MARKET.factors.T) * (0.5 + 0.5 * np.eye(8)) + 3e-5 * np.eye(8))
    rows = EDITION.rows(SYMBOLS)
    answers: dict[str, list[tuple[float, float]]] = {"direct": [], "propagated": []}
    for _ in range(400):
        noise = dice.normal(0, 0.008, (1, WINDOW)) + dice.normal(0, 0.006, (3, WINDOW))
        off = noise @ A.T
        betas, residuals = EDITION.risk.betas.copy(), EDITION.risk.residuals.copy()
        betas[rows] = MARKET.betas[8:] + off
        residuals[rows] = noise - noise.mean(axis=1, keepdims=True) - off @ (X - X.mean(axis=0)).T
        factors = FactorCovariance(
            forecast=np.eye(8),
            stress=np.cov((dice.normal(size=(1_260, 8)) @ together.T).T),
            sessions=252,
            half_life=42,
            stress_sessions=1_260,
        )
        made = replace(EDITION, risk=replace(EDITION.risk, betas=betas, residuals=residuals, factors=factors))
        found = outcome(BOOK, "vix_spike_150", made, top=0)
        for way, pairs in answers.items():
            one = getattr(found, way)
            pairs.append((one.pnl, one.standard_error))
    for way, pairs in answers.items():
        pnl, said = np.array(pairs).T
        assert said.mean() == pytest.approx(pnl.std(), rel=0.12), way


def test_parts_that_are_one_symbols_are_off_as_it_is_and_sectors_by_what_their_symbols_share() -> None:
    found = outcome(BOOK, "covid_crash_2020").direct
    alone = {one.symbol: one.standard_error for one in found.positions}
    by_sector = {one.sector: one.standard_error for one in found.sectors}
    assert by_sector[None] == pytest.approx(alone["BBB"])
    assert alone["AAA"] is not None
    assert alone["CCC"] is not None
    assert abs(alone["AAA"] - alone["CCC"]) <= by_sector["Energy"] <= alone["AAA"] + alone["CCC"]


@given(scale=st.floats(1e-3, 1e3), values=st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=3))
def test_it_scales_with_the_book_and_is_never_negative(scale: float, values: list[float]) -> None:
    one, more = (
        outcome(book_of([Lot(s, k * v) for s, v in zip(SYMBOLS, values, strict=True)], cash=1e9), "quality_flight_12")
        for k in (1.0, scale)
    )
    for ours, theirs in ((one.direct, more.direct), (one.propagated, more.propagated)):
        assert ours.standard_error is not None
        assert ours.standard_error >= 0
        assert theirs.standard_error == pytest.approx(scale * ours.standard_error, rel=1e-9, abs=1e-100)
        for before, after in zip(ours.factors, theirs.factors, strict=True):
            assert after.standard_error == pytest.approx(scale * (before.standard_error or 0), rel=1e-9, abs=1e-100)


def test_a_capped_loss_is_certain() -> None:
    wild = EDITION.risk.betas.copy()
    wild[EDITION.index["AAA"], 0] = 5.0
    made = replace(EDITION, risk=replace(EDITION.risk, betas=wild))
    alone = outcome(book_of([Lot("AAA", 100.0)]), "market_crash_35", made).direct
    assert (alone.pnl, alone.standard_error, alone.positions[0].standard_error) == (-100, 0, 0)
    both = outcome(book_of([Lot("AAA", 100.0), Lot("BBB", 100.0)]), "market_crash_35", made)
    rest = outcome(book_of([Lot("BBB", 100.0)]), "market_crash_35", made)
    assert both.direct.standard_error == pytest.approx(rest.direct.standard_error)
    assert both.propagated.standard_error == pytest.approx(rest.propagated.standard_error)


def test_what_is_assumed_has_no_error_and_coverage_says_so() -> None:
    made = edition_of(MARKET, assumed={"CCC": "too_few_observations"})
    found = ask(BOOK, made, scenarios=("market_down_10",))
    assert (found.standard_error_coverage, found.standard_error_reason) == (pytest.approx(1_000 / 1_300), None)
    errors = {one.symbol: one.standard_error for one in found.outcomes[0].direct.positions}
    assert errors["CCC"] is None
    assert errors["AAA"] is not None
    alone = ask(book_of([Lot("CCC", 1.0)]), made, scenarios=("market_down_10",))
    assert (alone.standard_error_coverage, alone.standard_error_reason) == (0, "nothing_estimated")
    for way in (alone.outcomes[0].direct, alone.outcomes[0].propagated):
        assert {way.standard_error, *(one.standard_error for one in (*way.factors, *way.sectors))} == {None}


def test_an_edition_whose_residuals_were_dropped_says_so_and_so_does_one_without_a_model() -> None:
    risk = EDITION.risk
    dropped = replace(risk, residuals=np.full_like(risk.residuals, np.nan), residuals_kept=False)
    found = ask(BOOK, replace(EDITION, risk=dropped), scenarios=("market_down_10",))
    assert (found.standard_error_reason, found.outcomes[0].direct.standard_error) == ("residuals_not_kept", None)
    none = ask(BOOK, edition_of(MARKET, model_reason="benchmark_missing"))
    assert (none.standard_error_reason, none.standard_error_coverage) == ("no_risk_model", None)


def test_cash_is_certain() -> None:
    found = ask(book_of([], cash=10.0), scenarios=("market_down_10",))
    assert (found.standard_error_coverage, found.standard_error_reason) == (None, None)
    assert found.outcomes[0].direct.standard_error == 0
