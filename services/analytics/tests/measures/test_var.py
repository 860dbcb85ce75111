"""Value at risk by both methods: by hand, against numpy and scipy, and what is said where there is none."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from analytics.book import Book
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures import risk
from analytics.measures.measure import Finding, Parameters
from analytics.measures.var import Var, compute
from yardstick.books import Lot, book_of, edition_of, planted_market

OWN = tuple(f"S{n:02d}" for n in range(8))
MARKET = planted_market(OWN, seed=11)
EDITION = edition_of(MARKET)


def _ask(book: Book, edition: Edition = EDITION) -> Finding[Var]:
    return compute(Evidence(book, edition), Parameters())


def _var(lots: Sequence[Lot], edition: Edition = EDITION, **book: Any) -> Var:
    return _ask(book_of(lots, **book), edition).result


def _short(sessions: int) -> Edition:
    whole = edition_of(planted_market(OWN, sessions=sessions, seed=11))
    return replace(whole, risk=EDITION.risk)


def _losses(values: dict[str, float]) -> np.ndarray:
    rows = [MARKET.symbols.index(symbol) for symbol in values]
    found: np.ndarray = -(np.array(list(values.values())) @ MARKET.returns[rows, -252:])
    return found


def test_historical_figures_are_the_thirteenth_and_third_worst_session_and_the_mean_of_the_tail() -> None:
    values = {"S01": 3e5, "S02": -1e5, "SPY": 2e5}
    found = _var([Lot(symbol, value) for symbol, value in values.items()], cash=6e5)
    worst = sorted(_losses(values), reverse=True)
    five, one = found.historical.levels
    assert (five.level, one.level, five.tail_sessions, one.tail_sessions) == (0.95, 0.99, 13, 3)
    assert (five.var_usd, one.var_usd) == (pytest.approx(worst[12]), pytest.approx(worst[2]))
    assert (five.es_usd, one.es_usd) == (pytest.approx(np.mean(worst[:13])), pytest.approx(np.mean(worst[:3])))
    assert (five.var, five.es) == (pytest.approx(worst[12] / 1e6), pytest.approx(np.mean(worst[:13]) / 1e6))
    assert (five.var_usd_low, five.var_usd_high) == (pytest.approx(worst[20]), pytest.approx(worst[5]))
    assert (one.var_usd_high, one.var_usd_high_reason) == (None, "beyond_the_worst_session")
    assert one.var_usd_low is not None
    assert [line.loss_usd for line in found.historical.worst] == pytest.approx(worst[:13])
    assert found.historical.worst[0].session == EDITION.sessions[-252:][np.argmax(_losses(values))].item()
    assert (found.historical.sessions, found.historical.sessions_left_out) == (252, 0)
    assert found.historical.until == EDITION.session


def test_parametric_figures_are_multiples_of_the_volatility_of_the_measure_risk() -> None:
    book = book_of([Lot("S01", 3e5), Lot("S02", -1e5)], cash=3e5)
    found = _ask(book).result.parametric
    forecast = risk.compute(Evidence(book, EDITION), risk.RiskParameters()).result
    assert forecast.daily_volatility_usd is not None
    assert found.daily_volatility_usd == forecast.daily_volatility_usd
    for line, multiples in zip(found.levels, [(1.587, 2.213), (2.566, 3.293)], strict=True):
        assert (round(line.var_multiple, 3), round(line.es_multiple, 3)) == multiples
        assert line.var_usd == pytest.approx(line.var_multiple * forecast.daily_volatility_usd, rel=1e-14)
        assert line.var == pytest.approx(line.var_usd / 5e5, rel=1e-14)  # type: ignore[operator]
        assert line.es_usd == pytest.approx(line.es_multiple * forecast.daily_volatility_usd, rel=1e-14)
        assert line.es == pytest.approx(line.es_usd / 5e5, rel=1e-14)  # type: ignore[operator]
        assert line.var_usd_standard_error == pytest.approx(
            line.var_multiple * forecast.daily_volatility_usd_standard_error,
            rel=1e-14,  # type: ignore[operator]
        )
        assert line.es_usd_standard_error == pytest.approx(
            line.es_multiple * forecast.daily_volatility_usd_standard_error,
            rel=1e-14,  # type: ignore[operator]
        )
    scaled = stats.t(6, scale=sqrt(4 / 6))
    assert found.levels[1].var_multiple == pytest.approx(scaled.ppf(0.99), rel=1e-10)


def test_the_two_methods_agree_where_returns_are_as_the_model_has_them() -> None:
    """Normal returns: the 95 % multiples of t and normal nearly meet, 1.587 and 1.645."""
    found = _var([Lot(symbol, 1e5) for symbol in OWN])
    historical, parametric = found.historical.levels[0], found.parametric.levels[0]
    assert historical.var_usd == pytest.approx(parametric.var_usd, rel=0.3)


lots_of_books = st.lists(
    st.builds(
        Lot,
        symbol=st.sampled_from((*OWN, "SPY", "GONE")),
        market_value=st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1),
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(lots=lots_of_books, nav=st.floats(1e3, 1e7))
def test_any_book_equals_a_loop_over_its_lots_and_sessions(lots: list[Lot], nav: float) -> None:
    finding = _ask(book_of(lots, nav=nav))
    known = [lot for lot in lots if lot.symbol != "GONE"]
    gross = sum(abs(lot.market_value) for lot in lots)
    assert finding.coverage == pytest.approx(sum(abs(lot.market_value) for lot in known) / gross, rel=1e-12)
    if not known:
        assert finding.result.historical.reason == "no_position_has_it"
        return
    losses = [
        -sum(lot.market_value * MARKET.returns[MARKET.symbols.index(lot.symbol), 63 + session] for lot in known)
        for session in range(252)
    ]
    for line, percent in zip(finding.result.historical.levels, (95, 99), strict=True):
        quantile = np.quantile(losses, percent / 100, method="inverted_cdf")
        tail = [loss for loss in losses if loss >= quantile]
        assert line.var_usd == pytest.approx(quantile, rel=1e-9, abs=1e-9 * gross)
        assert line.es_usd == pytest.approx(np.mean(tail), rel=1e-6, abs=1e-6 * gross)
        assert line.var == pytest.approx(line.var_usd / nav, rel=1e-12)  # type: ignore[operator]


def test_symbols_filled_by_the_model_are_flagged() -> None:
    market = planted_market(OWN, seed=11)
    edition = edition_of(market, assumed={"S00": "too_few_observations"}, missing={"S00": 300, "S01": 70})
    found = _var([Lot("S00", 1e5), Lot("S01", 3e5), Lot("S02", 1e5)], edition).historical
    assert [(line.symbol, line.sessions, line.loadings) for line in found.filled] == [
        ("S00", 237, "assumed"),
        ("S01", 7, "estimated"),
    ]
    assert found.filled_share == pytest.approx((1e5 * 237 + 3e5 * 7) / (5e5 * 252))
    assert (found.filled_symbols, found.sessions, found.coverage) == (2, 252, 1.0)


def test_of_many_filled_symbols_the_weightiest_are_named() -> None:
    many = [f"X{n:02d}" for n in range(40)]
    edition = edition_of(planted_market(many), missing=dict.fromkeys(many, 100))
    found = _var([Lot(symbol, 1e3 + n) for n, symbol in enumerate(many)], edition).historical
    assert (len(found.filled), found.filled_symbols) == (25, 40)
    assert [line.symbol for line in found.filled] == [f"X{n:02d}" for n in range(39, 14, -1)]


@pytest.mark.parametrize(("sessions", "five", "one"), [(3, False, False), (19, False, False), (20, True, False),
                                                      (99, True, False), (100, True, True)])  # fmt: skip
def test_a_level_needs_as_many_sessions_as_have_a_loss_beyond_it(sessions: int, five: bool, one: bool) -> None:
    finding = _ask(book_of([Lot("S01", 100.0)]), _short(sessions))
    historical = finding.result.historical
    for line, is_there in zip(historical.levels, (five, one), strict=True):
        assert (line.var_usd is not None) == (line.es is not None) == (line.var_usd_low is not None) == is_there
        assert line.reason == (None if is_there else "too_few_sessions")
        assert line.var_usd_high_reason is not None or line.var_usd_high is not None
    assert historical.reason == (None if five else "too_few_sessions")
    assert (historical.sessions, historical.coverage) == (sessions, 1.0 if five else 0.0)
    assert len(historical.worst) == (sessions // 20 + 1 if five else 0)
    assert finding.result.parametric.reason is None
    assert finding.coverage == historical.coverage


def test_without_a_risk_model_history_speaks_alone_and_leaves_out_what_it_cannot_fill() -> None:
    edition = edition_of(MARKET, model_reason="benchmark_missing", missing={"S00": 100})
    finding = _ask(book_of([Lot("S00", 100.0), Lot("S01", 300.0)]), edition)
    found = finding.result
    assert (found.historical.coverage, found.historical.reason) == (0.75, None)
    assert [(line.symbol, line.reason) for line in found.historical.excluded] == [("S00", "no_returns")]
    assert found.historical.levels[0].var_usd == pytest.approx(sorted(_losses({"S01": 300.0}))[-13])
    assert (found.parametric.reason, found.parametric.model_reason) == ("no_risk_model", "benchmark_missing")
    line = found.parametric.levels[0]
    assert (line.var, line.var_usd, line.var_usd_standard_error, line.es, line.es_usd, line.es_usd_standard_error) == (
        (None,) * 6
    )
    assert (line.reason, found.parametric.coverage, finding.coverage) == ("no_risk_model", 0.0, 0.0)


def test_residuals_dropped_take_only_the_parametric_figures() -> None:
    found = _var([Lot("S01", 300.0)], replace(EDITION, risk=replace(EDITION.risk, residuals_kept=False)))
    assert (found.parametric.reason, found.historical.reason) == ("residuals_not_kept", None)


@pytest.mark.parametrize(
    ("lot", "reason"),
    [
        (Lot("S03", 100.0, investment_class="OPTIONS", price_status="manual"), "option"),
        (Lot("S03", 100.0, investment_class="PRIVATE", price_status="manual"), "private"),
        (Lot("S03", 100.0, price_status="unpriced"), "unpriced"),
        (Lot("GONE", 100.0), "unknown"),
        (Lot("S04", 100.0), "unknown"),
    ],
)
def test_what_cannot_enter_is_excluded_by_both_methods_and_named(lot: Lot, reason: str) -> None:
    finding = _ask(book_of([Lot("S01", 300.0), lot], unknown=["S04"]))
    for found in (finding.result.historical, finding.result.parametric):
        (excluded,) = found.excluded
        assert (excluded.symbol, excluded.market_value, excluded.reason) == (lot.symbol, 100.0, reason)
        assert (found.coverage, found.reason) == (0.75, None)
    alone = _ask(book_of([lot], unknown=["S04"]))
    for found in (alone.result.historical, alone.result.parametric):
        assert (found.reason, found.coverage, found.levels[0].var_usd) == ("no_position_has_it", 0.0, None)
        assert (found.levels[1].reason, found.levels[1].es) == ("no_position_has_it", None)
    assert (alone.result.historical.filled_share, alone.result.historical.worst) == (None, [])


@pytest.mark.parametrize("nav", [0.0, -50.0])
def test_without_positive_nav_losses_in_usd_are_true_all_the_same(nav: float) -> None:
    found, sound = _var([Lot("S01", 300.0)], nav=nav), _var([Lot("S01", 300.0)])
    assert (found.relative_reason, sound.relative_reason) == ("nav_not_positive", None)
    for mine, others in (
        (found.historical.levels, sound.historical.levels),
        (found.parametric.levels, sound.parametric.levels),
    ):
        for line, other in zip(mine, others, strict=True):
            assert (line.var, line.es, line.reason) == (None, None, None)
            assert (line.var_usd, line.es_usd) == (other.var_usd, other.es_usd)


def test_a_short_book_loses_on_the_best_sessions_of_its_mirror() -> None:
    found = _var([Lot("S01", -300.0)], nav=1000.0)
    assert found.historical.levels[0].var_usd == pytest.approx(sorted(_losses({"S01": -300.0}))[-13])
    mirrored = _var([Lot("S01", 300.0)], nav=1000.0)
    assert found.parametric.levels == mirrored.parametric.levels


@pytest.mark.parametrize("edition", [EDITION, _short(3), edition_of(MARKET, model_reason="benchmark_missing")])
@pytest.mark.parametrize("lots", [[], [Lot("S02", 0.0)]])
def test_a_book_of_cash_may_lose_nothing_whatever_is_known(lots: list[Lot], edition: Edition) -> None:
    finding = _ask(book_of(lots, cash=100.0), edition)
    found = finding.result
    for line in (*found.historical.levels, *found.parametric.levels):
        assert (line.var, line.var_usd, line.es, line.es_usd, line.reason) == (0.0, 0.0, 0.0, 0.0, None)
    assert found.historical.levels[0].var_usd_high == 0.0
    assert (finding.coverage, found.historical.worst, found.historical.excluded) == (None, [], [])
    assert "-0.0" not in found.model_dump_json()


def test_lots_that_cancel_out_lose_nothing() -> None:
    found = _var([Lot("S01", 300.0), Lot("S01", -300.0)], cash=10.0)
    assert [line.var_usd for line in (*found.historical.levels, *found.parametric.levels)] == [0.0] * 4
    assert "-0.0" not in found.model_dump_json()


def test_a_thousand_positions_are_answered() -> None:
    many = [f"X{n}" for n in range(1000)]
    finding = _ask(book_of([Lot(symbol, 100.0 * (n % 7 - 2)) for n, symbol in enumerate(many)], nav=1e6),
                   edition_of(planted_market(many)))  # fmt: skip
    assert (finding.coverage, finding.result.historical.sessions) == (1.0, 252)


def test_no_parameter_is_taken() -> None:
    with pytest.raises(ValidationError):
        Parameters.model_validate({"level": 0.9})
