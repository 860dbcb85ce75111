"""Exposures against sums done by hand, and the rule that a missing beta is never 0."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from math import sqrt
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.book import Book, Position, Snapshot
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.factors import FACTORS
from analytics.measures.factor_exposures import FactorExposure, FactorExposures, compute
from analytics.measures.measure import Finding, Parameters
from analytics.risk_model import no_risk_model

SESSION = date(2024, 12, 16)


def _edition(betas: dict[str, Any], errors: dict[str, float] | None = None, number: int = 1) -> Edition:
    """One beta for all factors, or a list of twelve; NaN where there is none."""
    symbols = list(betas)
    table = np.array([np.broadcast_to(np.array(betas[symbol], dtype=float), len(FACTORS)) for symbol in symbols])
    table = table.reshape(len(symbols), len(FACTORS))
    se = np.array([np.full(len(FACTORS), (errors or {}).get(symbol, 0.1)) for symbol in symbols]).reshape(table.shape)
    return Edition(
        edition=number,
        index={symbol: row for row, symbol in enumerate(symbols)},
        betas=table,
        standard_errors=np.where(np.isnan(table), np.nan, se),
        reasons={
            (symbol, column): "too_few_observations"
            for row, symbol in enumerate(symbols)
            for column in range(len(FACTORS))
            if np.isnan(table[row, column])
        },
        methods=("ols",) * len(FACTORS),
        windows=(90,) * len(FACTORS),
        session=SESSION,
        risk=no_risk_model(len(symbols), "not_published"),
        sessions=np.array([], dtype="datetime64[D]"),
        returns=np.empty((len(symbols), 0)),
        closes=np.full(len(symbols), np.nan),
        sectors={},
    )


def _book(
    lots: Sequence[tuple[str, float] | tuple[str, float, str] | tuple[str, float, str, str]],
    *,
    nav: float | None = None,
    cash: float = 0.0,
    unknown: Sequence[str] = (),
) -> Book:
    positions = tuple(
        Position(
            position_id=UUID(int=n + 1),
            symbol=lot[0],
            investment_class=lot[2] if len(lot) > 2 else "PUBLIC",  # type: ignore[arg-type,misc]
            quantity=1.0,
            price=1.0,
            price_session=SESSION,
            price_status=lot[3] if len(lot) > 3 else "priced",  # type: ignore[arg-type,misc]
            sector=None,
            market_value=lot[1],
            cost_basis=lot[1],
            unrealised_pnl=0.0,
            pnl=0.0,
        )
        for n, lot in enumerate(lots)
    )
    zeros = dict.fromkeys(Snapshot.__dataclass_fields__, 0.0) | {"positions": len(lots), "stale": 0, "unpriced": 0}
    value = cash + sum(lot[1] for lot in lots) if nav is None else nav
    return Book(
        portfolio=UUID(int=1),
        valuation=1,
        portfolio_version=1,
        edition=1,
        session=SESSION,
        run_id=UUID(int=9),
        unknown_symbols=frozenset(unknown),
        snapshot=Snapshot(**(zeros | {"nav": value})),  # type: ignore[arg-type]
        positions=positions,
    )


def _ask(book: Book, edition: Edition) -> Finding[FactorExposures]:
    return compute(Evidence(book, edition), Parameters())


def _first(book: Book, edition: Edition) -> FactorExposure:
    return _ask(book, edition).result.factors[0]


def test_a_long_short_book_equals_the_sum_done_by_hand() -> None:
    # NAV 1,000: 600 + 900 − 700 + 200 cash. Weights 0.6, 0.9, −0.7.
    book = _book([("AAA", 600.0), ("BBB", 900.0), ("CCC", -700.0)], cash=200.0)
    edition = _edition({"AAA": 1.2, "BBB": 0.5, "CCC": 2.0}, {"AAA": 0.1, "BBB": 0.2, "CCC": 0.3})
    market = _first(book, edition)
    assert market.beta == pytest.approx(0.6 * 1.2 + 0.9 * 0.5 - 0.7 * 2.0, abs=1e-15)  # −0.23
    assert market.dollar_exposure == pytest.approx(-230.0, abs=1e-10)
    assert market.standard_error == pytest.approx(sqrt(0.06**2 + 0.18**2 + 0.21**2), abs=1e-15)
    assert (market.coverage, market.positions, market.reason) == (1.0, 3, None)


def test_a_levered_book_is_not_normalised() -> None:
    assert _first(_book([("AAA", 3000.0)], cash=-2000.0), _edition({"AAA": 1.0})).beta == 3.0


def test_cash_lowers_the_exposure_and_not_the_coverage() -> None:
    market = _first(_book([("AAA", 500.0)], cash=500.0), _edition({"AAA": 1.0}))
    assert (market.beta, market.coverage) == (0.5, 1.0)


def test_a_missing_beta_is_left_out_named_and_never_counted_as_zero_for_coverage() -> None:
    half = [float("nan"), *([1.0] * 11)]
    finding = _ask(_book([("AAA", 600.0), ("NEW", 400.0)]), _edition({"AAA": 1.5, "NEW": half}))
    market, rates = finding.result.factors[:2]
    assert (market.beta, market.coverage, market.positions) == (pytest.approx(0.9), 0.6, 1)
    assert (rates.beta, rates.coverage, rates.positions) == (pytest.approx(1.3), 1.0, 2)
    assert finding.coverage == 0.6
    (excluded,) = finding.result.excluded
    assert (excluded.symbol, excluded.reason, excluded.factors) == ("NEW", "too_few_observations", ["market_beta"])
    assert excluded.market_value == 400.0


def test_a_factor_that_no_position_has_is_null_with_a_reason() -> None:
    market = _first(_book([("NEW", 400.0)]), _edition({"NEW": float("nan")}))
    assert (market.beta, market.dollar_exposure, market.standard_error) == (None, None, None)
    assert (market.reason, market.coverage) == ("no_position_has_it", 0.0)


@pytest.mark.parametrize(
    ("lot", "reason"),
    [
        (("AAA", 100.0, "OPTIONS", "manual"), "option"),
        (("AAA", 100.0, "PRIVATE", "manual"), "private"),
        (("AAA", 100.0, "PUBLIC", "unpriced"), "unpriced"),
        (("GONE", 100.0), "unknown"),
        (("LATE", 100.0), "unknown"),
    ],
)
def test_what_has_no_exposure_is_excluded_from_all_twelve_and_stays_in_nav(lot: Any, reason: str) -> None:
    # GONE was unknown when the book was folded, although the edition has it by now; LATE it never had.
    book = _book([("AAA", 300.0), lot], unknown=["GONE"])
    finding = _ask(book, _edition({"AAA": 2.0, "GONE": 9.0}))
    assert [factor.beta for factor in finding.result.factors] == [2.0 * 300 / 400] * 12
    (excluded,) = finding.result.excluded
    assert (excluded.reason, excluded.factors) == (reason, list(FACTORS))
    assert finding.coverage == 0.75


def test_a_stale_price_is_a_price() -> None:
    market = _first(_book([("AAA", 300.0, "PUBLIC", "stale")]), _edition({"AAA": 2.0}))
    assert (market.beta, market.coverage) == (2.0, 1.0)


@pytest.mark.parametrize("nav", [0.0, -50.0])
def test_without_positive_nav_every_exposure_is_null_with_a_reason(nav: float) -> None:
    for factor in _ask(_book([("AAA", 300.0)], nav=nav), _edition({"AAA": 2.0})).result.factors:
        assert (factor.beta, factor.dollar_exposure, factor.standard_error) == (None, None, None)
        assert factor.reason == "nav_not_positive"
        assert factor.coverage == 1.0


@pytest.mark.parametrize("lots", [[], [("AAA", 0.0)]])
def test_a_book_of_cash_alone_has_exposure_zero_and_no_coverage(lots: Any) -> None:
    finding = _ask(_book(lots, cash=100.0), _edition({"AAA": 2.0}))
    assert [(factor.beta, factor.reason) for factor in finding.result.factors] == [(0.0, None)] * 12
    assert (finding.coverage, finding.result.excluded) == (None, [])


def test_a_lot_closed_today_is_neither_counted_nor_excluded() -> None:
    finding = _ask(_book([("AAA", 300.0), ("SOLD", 0.0)]), _edition({"AAA": 2.0, "SOLD": float("nan")}))
    assert (finding.coverage, finding.result.excluded) == (1.0, [])
    assert finding.result.factors[0].positions == 1


def test_an_edition_without_a_row_is_all_unknown() -> None:
    finding = _ask(_book([("AAA", 300.0)]), _edition({}))
    assert finding.coverage == 0.0
    assert finding.result.excluded[0].reason == "unknown"


def test_a_symbol_without_a_row_for_a_factor_was_not_estimated() -> None:
    edition = replace(_edition({"AAA": float("nan")}), reasons={})
    assert _ask(_book([("AAA", 300.0)]), edition).result.excluded[0].reason == "not_estimated"


def test_a_book_is_never_measured_with_another_edition() -> None:
    with pytest.raises(ValueError, match="belongs to edition 1, not to 2"):
        _ask(_book([("AAA", 300.0)]), _edition({"AAA": 2.0}, number=2))


def test_two_lots_of_one_symbol_share_one_estimate() -> None:
    edition = _edition({"AAA": 1.2, "BBB": 0.7}, {"AAA": 0.3, "BBB": 0.2})
    whole = _first(_book([("AAA", 600.0), ("BBB", 400.0)]), edition)
    split = _first(_book([("AAA", 150.0), ("BBB", 400.0), ("AAA", 450.0)]), edition)
    assert split.beta == pytest.approx(whole.beta, abs=1e-15)
    assert split.standard_error == pytest.approx(whole.standard_error, abs=1e-15)
    hedged = _first(_book([("AAA", 600.0), ("AAA", -600.0)], cash=100.0), edition)
    assert (hedged.beta, hedged.standard_error) == (0.0, 0.0)


numbers = st.floats(-5, 5)


@given(
    lots=st.lists(
        st.tuples(st.integers(0, 9), st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1)), min_size=1, max_size=30
    ),
    betas=st.lists(st.one_of(numbers, st.just(float("nan"))), min_size=10, max_size=10),
    nav=st.floats(1e3, 1e7),
)
def test_any_book_equals_a_loop_over_its_lots(lots: Any, betas: list[float], nav: float) -> None:
    edition = _edition({f"S{n}": beta for n, beta in enumerate(betas)}, {f"S{n}": 0.01 * n for n in range(10)})
    market = _first(_book([(f"S{symbol}", value) for symbol, value in lots], nav=nav), edition)
    entered = [(symbol, value) for symbol, value in lots if betas[symbol] == betas[symbol]]
    if not entered:
        assert (market.beta, market.reason) == (None, "no_position_has_it")
        return
    by_symbol: dict[int, float] = {}
    for symbol, value in entered:
        by_symbol[symbol] = by_symbol.get(symbol, 0.0) + value / nav
    assert market.beta == pytest.approx(sum(value / nav * betas[symbol] for symbol, value in entered), abs=1e-9)
    assert market.standard_error == pytest.approx(
        sqrt(sum((weight * 0.01 * symbol) ** 2 for symbol, weight in by_symbol.items())), abs=1e-9
    )
    gross = sum(abs(value) for _, value in lots)
    assert market.coverage == pytest.approx(sum(abs(value) for _, value in entered) / gross, abs=1e-12)
