"""How far the factors' part of an attribution may be off: by hand, in worlds made again, and where nobody can say."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.edition import Edition
from analytics.evenings import Evenings
from analytics.ledger import Ledger, Lots, Splits
from analytics.loading_errors import loading_errors_of, root_sum_of_squares
from analytics.measures.attribution_error import FactorPnlError, factor_pnl_error
from analytics.pnl_parts import PnlParts, parts_of
from riskstream.market.risk_factors import RIDGE_PENALTIES
from yardstick.books import edition_of, planted_market
from yardstick.estimated import WINDOW, estimated_edition

SYMBOLS = ("AAA", "BBB", "GONE")
MARKET = planted_market(SYMBOLS[:2], seed=31)
EDITION = estimated_edition(MARKET)
DAYS = 4
MOVES = np.random.default_rng(1).normal(0, 0.01, (DAYS, 8))
VALUES = np.array([[600.0, -300.0, 0.0]] * DAYS)


def _ledger(edition: Edition, values: NDArray[np.float64], assumed: tuple[str, ...] = ()) -> Ledger:
    """Four days; what does not matter here is empty."""
    nobody = np.zeros(0)
    none = np.zeros(0, dtype="datetime64[D]")
    betas = np.ones((DAYS, len(SYMBOLS), 8))
    for n, symbol in enumerate(SYMBOLS):
        if symbol in edition.index:
            betas[:, n] = edition.risk.betas[edition.index[symbol]]
    sessions = np.array([date(2024, 12, 9) + timedelta(days=n) for n in range(DAYS + 1)], dtype="datetime64[D]")
    return Ledger(
        sessions=sessions,
        evenings=np.arange(DAYS + 1),
        symbols=SYMBOLS,
        lots=Lots(np.zeros(0, dtype=np.intp), nobody, none, nobody, none, nobody, none),
        splits=Splits(np.zeros(0, dtype=np.intp), none, nobody),
        closes=np.ones((DAYS + 1, len(SYMBOLS))),
        returns=np.full((DAYS, len(SYMBOLS)), 0.01),
        factor_returns=MOVES,
        betas=betas,
        assumed=np.array([[symbol in assumed for symbol in SYMBOLS]] * DAYS),
        loadings_session=sessions[:-1],
        fees=np.zeros(DAYS),
        gross=np.abs(values).sum(axis=1),
        by_hand=(),
        newer=False,
    )


def _parts(ledger: Ledger, values: NDArray[np.float64]) -> tuple[Evenings, PnlParts]:
    with_last = np.concatenate([values, values[-1:]])
    nothing = np.zeros_like(values)
    evenings = Evenings(with_last, np.abs(with_last), nothing, nothing, nothing)
    return evenings, parts_of(ledger, evenings)


def ask(
    values: NDArray[np.float64] = VALUES, edition: Edition = EDITION, days: int = DAYS, **lacking: Any
) -> FactorPnlError:
    ledger = _ledger(edition, values, **lacking)
    asked = np.arange(DAYS) >= DAYS - days
    return factor_pnl_error(edition, ledger, *_parts(ledger, values), asked)


def test_a_day_is_off_by_value_times_the_factors_return_times_the_loadings_error() -> None:
    values = VALUES * [1, 0, 0]
    errors = loading_errors_of(EDITION, EDITION.rows(("AAA",)))
    alone = root_sum_of_squares(errors.scores(np.ones((1, 8)), np.arange(1)))
    found = ask(values, days=1)
    assert found.by_factor == pytest.approx(600 * np.abs(MOVES[-1]) * alone)
    [covariance] = errors.covariances(np.arange(1))
    moved = 600 * MOVES[-1]
    assert (found.total, found.coverage, found.reason) == (pytest.approx(np.sqrt(moved @ covariance @ moved)), 1, None)


def test_the_error_of_a_loading_is_one_over_all_days() -> None:
    """A factor that goes up and down again leaves nothing to be wrong about; one that goes up twice, twice as much."""
    up = ask(VALUES, days=1)
    assert up.total is not None
    for sign, times in ((-1.0, 0.0), (1.0, 2.0)):
        ledger = _ledger(EDITION, VALUES)
        ledger = replace(ledger, factor_returns=np.stack([*MOVES[:2], sign * MOVES[3], MOVES[3]]))
        days = np.arange(DAYS) >= 2
        found = factor_pnl_error(EDITION, ledger, *_parts(ledger, VALUES), days)
        assert found.total == pytest.approx(times * up.total, abs=1e-12)


def test_it_is_as_large_as_answers_differ_when_the_world_is_made_again() -> None:
    dice = np.random.default_rng(9)
    X = MARKET.factors[-WINDOW:]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    A = np.linalg.inv(Z.T @ Z + np.diag(RIDGE_PENALTIES)) @ Z.T / X.std(axis=0)[:, None]
    rows = EDITION.rows(SYMBOLS[:2])
    answers, said = [], []
    for _ in range(300):
        noise = dice.normal(0, 0.008, (1, WINDOW)) + dice.normal(0, 0.006, (2, WINDOW))
        off = noise @ A.T
        betas, residuals = EDITION.risk.betas.copy(), EDITION.risk.residuals.copy()
        betas[rows] = MARKET.betas[8:] + off
        residuals[rows] = noise - noise.mean(axis=1, keepdims=True) - off @ (X - X.mean(axis=0)).T
        made = replace(EDITION, risk=replace(EDITION.risk, betas=betas, residuals=residuals))
        ledger = _ledger(made, VALUES)
        _, parts = _parts(ledger, VALUES)
        answers.append(parts.by_factor.sum())
        said.append(ask(edition=made).total)
    assert np.mean(said) == pytest.approx(np.std(answers), rel=0.12)


@given(scale=st.floats(1e-3, 1e3), values=st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=2))
def test_it_scales_with_the_book_and_is_never_negative(scale: float, values: list[float]) -> None:
    held = np.array([[*values, 0.0]] * DAYS)
    one, more = ask(held), ask(scale * held)
    assert one.total is not None
    assert one.by_factor is not None
    assert one.total >= 0
    assert (one.by_factor >= 0).all()
    assert more.total == pytest.approx(scale * one.total, rel=1e-9, abs=1e-100)
    assert more.by_factor == pytest.approx(scale * one.by_factor, rel=1e-9, abs=1e-100)


def test_of_what_is_assumed_or_gone_nothing_is_known_and_coverage_says_so() -> None:
    values = np.array([[600.0, -300.0, 100.0]] * DAYS)
    found = ask(values)
    assert (found.coverage, found.reason) == (pytest.approx(0.9), None)
    assert found.total == pytest.approx(ask().total)
    assert ask(values, assumed=("AAA",)).coverage == pytest.approx(0.3)
    gone = ask(values * [0, 0, 1])
    assert (gone.total, gone.by_factor, gone.coverage, gone.reason) == (None, None, 0, "nothing_estimated")


def test_without_residuals_or_a_model_it_says_why() -> None:
    risk = EDITION.risk
    dropped = replace(risk, residuals=np.full_like(risk.residuals, np.nan), residuals_kept=False)
    assert ask(edition=replace(EDITION, risk=dropped)).reason == "residuals_not_kept"
    none = edition_of(MARKET, model_reason="benchmark_missing")
    ledger = replace(_ledger(none, VALUES), betas=np.ones((DAYS, len(SYMBOLS), 8)))
    found = factor_pnl_error(none, ledger, *_parts(ledger, VALUES), np.ones(DAYS, dtype=bool))
    assert (found.total, found.reason) == (None, "no_risk_model")


def test_where_nothing_is_attributed_nothing_is_wrong() -> None:
    found = ask(np.zeros_like(VALUES))
    assert (found.total, found.coverage, found.reason) == (0, None, None)
