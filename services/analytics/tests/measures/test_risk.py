"""The forecast of a book, who adds what to it, and what is said where there is none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.book import Book
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures.measure import Finding
from analytics.measures.risk import Risk, RiskParameters, compute
from riskstream.market.risk_factors import RISK_FACTORS
from yardstick import risk_model as yardstick
from yardstick.books import Lot, book_of, edition_of, planted_market

OWN = tuple(f"S{n:02d}" for n in range(10))
EDITION = edition_of(planted_market(OWN), assumed={"S00": "too_few_observations"}, missing={"S01": 150})
SECTORS = ("Energy", "Financials", None)


def _ask(book: Book, edition: Edition = EDITION, top: int = 25) -> Finding[Risk]:
    return compute(Evidence(book, edition), RiskParameters(top=top))


def _risk(lots: Sequence[Lot], edition: Edition = EDITION, top: int = 25, **book: Any) -> Risk:
    return _ask(book_of(lots, **book), edition, top).result


def _plain(values: dict[str, float], edition: Edition = EDITION) -> yardstick.BookVariance:
    model = edition.risk
    assert model.factors is not None
    rows = {symbol: edition.index[symbol] for symbol in values}
    holdings = {
        symbol: yardstick.Holding(model.betas[row], model.residuals[row], float(model.specific_variance[row]))
        for symbol, row in rows.items()
    }
    return yardstick.book_variance(values, holdings, model.factors.forecast)


def test_a_book_equals_the_yardstick_in_usd_and_over_nav() -> None:
    values = {"S00": 3e5, "S01": 2e5, "S02": -1e5, "SPY": 4e5}
    found = _risk([Lot(symbol, value) for symbol, value in values.items()], cash=2e5)
    plain = _plain(values)
    assert found.daily_volatility_usd == pytest.approx(plain.volatility, rel=1e-12)
    assert found.daily_volatility == pytest.approx(plain.volatility / 1e6, rel=1e-12)
    assert found.annual_volatility == pytest.approx(plain.volatility / 1e6 * sqrt(252), rel=1e-12)
    assert found.annual_volatility_usd == pytest.approx(plain.volatility * sqrt(252), rel=1e-12)
    assert found.factor_share == pytest.approx(plain.factors / plain.volatility**2, rel=1e-12)
    assert found.specific_share == pytest.approx(plain.specific / plain.volatility**2, rel=1e-12)
    for line in found.positions:
        assert line.contribution_usd == pytest.approx(plain.contributions[line.symbol], rel=1e-11)
        assert line.weight == pytest.approx(values[line.symbol] / 1e6)
    assert [line.symbol for line in found.positions] == sorted(values, key=lambda name: -abs(plain.contributions[name]))


def test_a_book_of_the_market_fund_is_the_market_and_nothing_specific() -> None:
    assert EDITION.risk.factors is not None
    found = _risk([Lot("SPY", 500.0)], cash=500.0)
    market = sqrt(EDITION.risk.factors.forecast[0, 0])
    assert found.daily_volatility == pytest.approx(0.5 * market, rel=1e-12)
    assert (found.factor_share, found.specific_share) == (pytest.approx(1.0), 0.0)
    first, *others = found.factors
    assert (first.factor, first.exposure, first.exposure_usd) == ("market", 0.5, 500.0)
    assert first.share == pytest.approx(1.0)
    assert {line.exposure for line in others} == {0.0}


def test_value_and_growth_are_published_as_one_too() -> None:
    found = _risk([Lot("VTV", 600.0), Lot("VUG", 300.0)])
    by_name = {line.factor: line for line in found.factors}
    both = found.value_and_growth
    assert both is not None
    assert (by_name["value"].exposure_usd, by_name["growth"].exposure_usd) == (600.0, 300.0)
    assert both.exposure_usd == 900.0
    assert both.contribution_usd == by_name["value"].contribution_usd + by_name["growth"].contribution_usd
    assert list(by_name) == [factor.slug for factor in RISK_FACTORS]


def test_the_standard_error_is_that_of_a_deviation_of_as_many_normals_as_the_weights_are_worth() -> None:
    found = _risk([Lot("SPY", 500.0), Lot("S03", 500.0)])
    assert found.estimation is not None
    weights = yardstick.weights_of(252)
    assert found.estimation.effective_observations == pytest.approx(1 / (weights**2).sum(), rel=1e-12)
    assert 110 < found.estimation.effective_observations < 125
    assert (found.estimation.sessions, found.estimation.half_life) == (252, 42)
    assert found.daily_volatility_standard_error == pytest.approx(
        found.daily_volatility / sqrt(2 / (weights**2).sum()),
        rel=1e-12,  # type: ignore[operator]
    )
    assert found.daily_volatility_usd_standard_error == pytest.approx(1000 * found.daily_volatility_standard_error)  # type: ignore[operator]


def test_the_standard_error_is_what_simulated_estimates_scatter_by() -> None:
    dice, weights = np.random.default_rng(3), yardstick.weights_of(252)
    estimates = np.sqrt(dice.normal(0.0, 1.0, (4000, 252)) ** 2 @ weights)
    found = _risk([Lot("SPY", 1.0)])
    assert found.daily_volatility_standard_error is not None
    assert found.daily_volatility is not None
    error = found.daily_volatility_standard_error / found.daily_volatility
    assert estimates.std() == pytest.approx(error, rel=0.05)


lots_of_books = st.lists(
    st.builds(
        Lot,
        symbol=st.sampled_from((*OWN, "SPY", "TLT", "GONE")),
        market_value=st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1),
        sector=st.sampled_from(SECTORS),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None)
@given(lots=lots_of_books, nav=st.floats(1e3, 1e7), top=st.integers(0, 12))
def test_everything_adds_up_in_any_book(lots: list[Lot], nav: float, top: int) -> None:
    finding = _ask(book_of(lots, nav=nav), top=top)
    found = finding.result
    gross = sum(abs(lot.market_value) for lot in lots)
    known = sum(abs(lot.market_value) for lot in lots if lot.symbol != "GONE")
    assert finding.coverage == pytest.approx(known / gross, rel=1e-12)
    if not known:
        assert (found.daily_volatility_usd, found.reason) == (None, "no_position_has_it")
        return
    sigma = found.daily_volatility_usd
    assert sigma is not None
    assert found.other_positions is not None
    if sigma == 0:
        assert found.shares_reason == "no_volatility"
        return
    assert found.factor_share + found.specific_share == pytest.approx(1.0, abs=1e-9)  # type: ignore[operator]
    assert found.specific_share >= 0  # type: ignore[operator]
    by_factor = sum(line.contribution_usd for line in found.factors) + found.specific_contribution_usd  # type: ignore[operator]
    by_position = sum(line.contribution_usd for line in found.positions) + found.other_positions.contribution_usd
    by_sector = sum(line.contribution_usd for line in found.sectors)
    assert [by_factor, by_position, by_sector] == pytest.approx([sigma] * 3, rel=1e-9)
    assert sum(line.share for line in found.sectors) == pytest.approx(1.0, abs=1e-9)  # type: ignore[misc]
    assert len(found.positions) <= top
    sizes = [abs(line.contribution_usd) for line in found.positions]
    assert sizes == sorted(sizes, reverse=True)


def test_only_the_largest_are_listed_and_the_rest_are_summed() -> None:
    lots = [Lot(symbol, 1e5) for symbol in OWN]
    whole, short = _risk(lots), _risk(lots, top=3)
    assert short.positions == whole.positions[:3]
    assert short.other_positions is not None
    assert short.other_positions.positions == 7
    rest = sum(line.contribution_usd for line in whole.positions[3:])
    assert short.other_positions.contribution_usd == pytest.approx(rest, rel=1e-12)
    assert whole.other_positions is not None
    assert (whole.other_positions.positions, whole.other_positions.contribution_usd) == (0, 0.0)


def test_sectors_are_those_of_the_lots_and_the_unclassified_are_one() -> None:
    found = _risk(
        [Lot("S02", 5e5, sector="Energy"), Lot("S03", 1e5), Lot("S04", 1e5, sector="Energy"), Lot("S05", -1e5)]
    )
    assert {(line.sector, line.sector_reason, line.market_value) for line in found.sectors} == {
        ("Energy", None, 6e5),
        (None, "unclassified", 0.0),
    }
    energy = {line.symbol: line.contribution_usd for line in found.positions}
    assert found.sectors[0].contribution_usd == pytest.approx(energy["S02"] + energy["S04"], rel=1e-12)


def test_a_sector_has_in_it_only_what_entered() -> None:
    betas = EDITION.risk.betas.copy()
    betas[[EDITION.index["S05"], EDITION.index["S06"]]] = np.nan
    edition = replace(EDITION, risk=replace(EDITION.risk, betas=betas))
    found = _risk(
        [Lot("S02", 5e5, sector="Energy"), Lot("S05", 1e5, sector="Energy"), Lot("S06", 1e5, sector="Utilities")],
        edition,
    )
    (energy,) = found.sectors
    assert (energy.sector, energy.market_value) == ("Energy", 5e5)


def test_assumed_and_carried_loadings_are_flagged() -> None:
    carried = replace(EDITION, risk=replace(EDITION.risk, carried_from={"S04": date(2024, 12, 11), "S09": SESSION}))
    found = _risk([Lot("S00", 100.0), Lot("S04", 200.0), Lot("S05", 100.0)], carried)
    flags = {line.symbol: (line.loadings, line.assumed_reason, line.carried_from) for line in found.positions}
    assert flags == {
        "S00": ("assumed", "too_few_observations", None),
        "S04": ("estimated", None, date(2024, 12, 11)),
        "S05": ("estimated", None, None),
    }
    assert (found.assumed_positions, found.assumed_share, found.carried_positions) == (1, 0.25, 1)


SESSION = date(2024, 12, 13)


def test_lots_of_one_symbol_are_one_position_and_lots_that_cancel_are_none() -> None:
    split = _risk([Lot("S02", 100.0), Lot("S02", 300.0), Lot("S03", 50.0), Lot("S03", -50.0)])
    whole = _risk([Lot("S02", 400.0)])
    assert [(line.symbol, line.market_value) for line in split.positions] == [("S02", 400.0)]
    assert split.positions[0].contribution_usd == pytest.approx(whole.positions[0].contribution_usd, rel=1e-12)
    assert split.daily_volatility_usd == pytest.approx(whole.daily_volatility_usd, rel=1e-12)


@pytest.mark.parametrize(
    ("lot", "reason"),
    [
        (Lot("S03", 100.0, investment_class="OPTIONS", price_status="manual"), "option"),
        (Lot("S03", 100.0, investment_class="PRIVATE", price_status="manual"), "private"),
        (Lot("S03", 100.0, price_status="unpriced"), "unpriced"),
        (Lot("GONE", 100.0), "unknown"),
        (Lot("S04", 100.0), "unknown"),
        (Lot("S05", 100.0), "no_loadings"),
        (Lot("S06", 100.0), "no_specific_variance"),
    ],
)
def test_what_cannot_enter_is_left_out_named_and_lowers_coverage(lot: Lot, reason: str) -> None:
    betas, variances = EDITION.risk.betas.copy(), EDITION.risk.specific_variance.copy()
    betas[EDITION.index["S05"]] = np.nan
    variances[EDITION.index["S06"]] = np.nan
    edition = replace(EDITION, risk=replace(EDITION.risk, betas=betas, specific_variance=variances))
    finding = _ask(book_of([Lot("S02", 300.0), lot], unknown=["S04"]), edition)
    assert finding.coverage == 0.75
    (excluded,) = finding.result.excluded
    assert (excluded.symbol, excluded.market_value, excluded.reason) == (lot.symbol, 100.0, reason)
    assert finding.result.daily_volatility_usd == pytest.approx(_plain({"S02": 300.0}).volatility, rel=1e-12)
    alone = _ask(book_of([lot], unknown=["S04"]), edition)
    assert (alone.result.daily_volatility, alone.result.daily_volatility_usd) == (None, None)
    assert (alone.result.reason, alone.result.relative_reason, alone.result.shares_reason) == (
        ("no_position_has_it",) * 3
    )
    assert (alone.coverage, alone.result.excluded[0].reason) == (0.0, reason)


@pytest.mark.parametrize("nav", [0.0, -50.0])
def test_without_positive_nav_what_is_in_usd_is_true_all_the_same(nav: float) -> None:
    found, sound = _risk([Lot("S02", 300.0)], nav=nav), _risk([Lot("S02", 300.0)])
    assert found.daily_volatility_usd == sound.daily_volatility_usd
    assert (found.factor_share, found.shares_reason) == (sound.factor_share, None)
    assert (found.daily_volatility, found.annual_volatility, found.daily_volatility_standard_error) == (None,) * 3
    assert (found.relative_reason, found.reason) == ("nav_not_positive", None)
    assert (found.factors[0].exposure, found.positions[0].weight) == (None, None)
    assert found.factors[0].exposure_usd == sound.factors[0].exposure_usd


def test_a_book_that_is_all_short_has_the_volatility_of_its_mirror() -> None:
    long, short = (
        _risk([Lot("S02", 300.0), Lot("S03", 100.0)]),
        _risk([Lot("S02", -300.0), Lot("S03", -100.0)], nav=1e3),
    )
    assert short.daily_volatility_usd == long.daily_volatility_usd
    assert [line.contribution_usd for line in short.positions] == [line.contribution_usd for line in long.positions]
    assert short.factors[0].exposure_usd == -long.factors[0].exposure_usd


@pytest.mark.parametrize("model_reason", [None, "too_few_sessions"])
@pytest.mark.parametrize("lots", [[], [Lot("S02", 0.0)]])
def test_a_book_of_cash_has_volatility_zero_whatever_the_model(lots: list[Lot], model_reason: str | None) -> None:
    edition = edition_of(planted_market(OWN), model_reason=model_reason)
    finding = _ask(book_of(lots, cash=100.0), edition)
    found = finding.result
    assert (found.daily_volatility, found.daily_volatility_usd, found.reason) == (0.0, 0.0, None)
    assert (found.daily_volatility_standard_error, found.daily_volatility_usd_standard_error) == (0.0, 0.0)
    assert (found.factor_share, found.shares_reason) == (None, "no_volatility")
    assert (finding.coverage, found.positions, found.sectors, found.excluded) == (None, [], [], [])
    assert [line.exposure for line in found.factors] == [0.0] * 8


def test_an_edition_without_a_model_forecasts_nothing_and_says_why() -> None:
    finding = _ask(book_of([Lot("S02", 300.0)]), edition_of(planted_market(OWN), model_reason="too_few_sessions"))
    found = finding.result
    assert (found.daily_volatility_usd, found.reason, found.model_reason) == (None, "no_risk_model", "too_few_sessions")
    assert (found.estimation, found.factors, finding.coverage) == (None, [], 0.0)


def test_an_edition_that_kept_no_residuals_forecasts_nothing_and_says_why() -> None:
    old = replace(EDITION, risk=replace(EDITION.risk, residuals_kept=False))
    finding = _ask(book_of([Lot("S02", 300.0)]), old)
    assert (finding.result.daily_volatility_usd, finding.result.reason) == (None, "residuals_not_kept")
    assert finding.coverage == 0.0


def test_a_thousand_positions_are_answered_with_as_many_lines_as_asked_for() -> None:
    many = [f"X{n}" for n in range(1000)]
    lots = [Lot(symbol, 100.0 * (n % 7 - 3), sector=SECTORS[n % 3]) for n, symbol in enumerate(many)]
    found = _risk(lots, edition_of(planted_market(many)), top=1000, nav=1e6)
    assert found.other_positions is not None
    assert len(found.positions) == sum(1 for n in range(1000) if n % 7 != 3)
    assert sum(line.share for line in found.positions) == pytest.approx(1.0, abs=1e-9)  # type: ignore[misc]


@pytest.mark.parametrize("top", [-1, 1001, "many", float("nan")])
def test_a_number_of_positions_out_of_range_is_refused(top: Any) -> None:
    with pytest.raises(ValidationError):
        RiskParameters(top=top)


def test_an_answer_never_holds_a_number_that_json_has_not() -> None:
    for nav in (-1.0, 0.0, 1e-4, 1e12):
        _risk([Lot("S02", 1e-3), Lot("S03", -1e9), Lot("S04", 1e9)], nav=nav).model_dump_json()
