"""Market capitalisation, price-earnings ratio and sector from a profile and a price."""

from dataclasses import replace
from datetime import date
from math import inf, nan

import numpy as np
import pytest

from symbol_batch.actions import CorporateAction
from symbol_batch.company_metrics import CompanyFacts, CompanyMetrics, company_metrics

KNOWN_FROM, FETCHED, SPLIT, TODAY = date(2024, 6, 3), date(2025, 6, 2), date(2025, 6, 16), date(2025, 7, 9)
FACTS = CompanyFacts("Financials", shares_outstanding=1_000.0, trailing_eps=2.5, fetched_on=FETCHED)
TWO_FOR_ONE = CorporateAction("KO", SPLIT, "split", ratio=2.0)


def metrics_of(
    facts: CompanyFacts | None = FACTS, *splits: CorporateAction, price: float = 50.0, day: date | None = TODAY
) -> CompanyMetrics:
    [metrics] = company_metrics(
        {} if facts is None else {"KO": facts},
        splits,
        symbols=["KO"],
        prices=np.array([price]),
        price_sessions=[day],
        known_from=KNOWN_FROM,
    )
    return metrics


def test_a_company_is_worth_its_shares_times_its_price_and_priced_at_so_many_years_earnings() -> None:
    assert metrics_of() == CompanyMetrics(50_000.0, 20.0, "Financials", {})


def test_a_split_since_the_profile_doubles_the_shares_and_halves_the_earnings() -> None:
    before = metrics_of(FACTS, TWO_FOR_ONE, price=50.0, day=date(2025, 6, 13))
    after = metrics_of(FACTS, TWO_FOR_ONE, price=25.0)
    assert (before.market_cap, before.price_earnings) == (after.market_cap, after.price_earnings) == (50_000.0, 20.0)


def test_a_split_before_the_profile_is_in_it_already() -> None:
    assert metrics_of(replace(FACTS, fetched_on=SPLIT), TWO_FOR_ONE) == metrics_of()


def test_a_price_from_before_the_profile_is_of_old_shares() -> None:
    caught_up = metrics_of(replace(FACTS, fetched_on=TODAY), TWO_FOR_ONE, price=100.0, day=date(2025, 6, 13))
    assert (caught_up.market_cap, caught_up.price_earnings) == (50_000.0, 20.0)


def test_a_spin_off_leaves_the_number_of_shares_alone() -> None:
    spin_off = CorporateAction("KO", SPLIT, "distribution", ratio=1.281)
    dividend = CorporateAction("KO", SPLIT, "dividend", amount=1.0)
    assert metrics_of(FACTS, spin_off, dividend) == metrics_of()


def test_another_symbols_split_is_not_ours() -> None:
    assert metrics_of(FACTS, replace(TWO_FOR_ONE, symbol="PEP")) == metrics_of()


@pytest.mark.parametrize(
    ("facts", "market_cap", "price_earnings", "sector"),
    [
        (None, "no_profile", "no_profile", "no_profile"),
        (replace(FACTS, sector=None), None, None, "no_sector"),
        (replace(FACTS, shares_outstanding=None), "no_shares", None, None),
        (replace(FACTS, shares_outstanding=0.0), "no_shares", None, None),
        (replace(FACTS, shares_outstanding=-1.0), "no_shares", None, None),
        (replace(FACTS, shares_outstanding=nan), "no_shares", None, None),
        (replace(FACTS, shares_outstanding=inf), "no_shares", None, None),
        (replace(FACTS, shares_outstanding=1e28), "out_of_range", None, None),
        (replace(FACTS, trailing_eps=None), None, "no_earnings", None),
        (replace(FACTS, trailing_eps=nan), None, "no_earnings", None),
        (replace(FACTS, trailing_eps=-0.0), None, "no_earnings", None),
        (replace(FACTS, trailing_eps=-0.12), None, "negative_earnings", None),
        (replace(FACTS, trailing_eps=5e-324), None, "out_of_range", None),
        (replace(FACTS, fetched_on=date(2024, 6, 2)), "profile_too_old", "profile_too_old", None),
    ],
)
def test_what_cannot_be_said_is_null_with_its_reason(facts, market_cap, price_earnings, sector) -> None:
    metrics = metrics_of(facts)
    reasons = {"market_cap": market_cap, "price_earnings": price_earnings, "sector": sector}
    assert metrics.reasons == {name: reason for name, reason in reasons.items() if reason}
    for name, reason in reasons.items():
        assert (getattr(metrics, name) is None) == (reason is not None), name


@pytest.mark.parametrize(("price", "day"), [(nan, None), (nan, TODAY)])
def test_without_a_price_there_is_a_sector_and_nothing_else(price: float, day: date | None) -> None:
    metrics = metrics_of(price=price, day=day)
    assert (metrics.market_cap, metrics.price_earnings, metrics.sector) == (None, None, "Financials")
    assert metrics.reasons == {"market_cap": "no_price", "price_earnings": "no_price"}


def test_symbols_come_in_the_order_asked_and_do_not_touch_each_other() -> None:
    facts = {"PEP": replace(FACTS, shares_outstanding=7.0), "KO": FACTS}
    prices, days = np.array([50.0, 10.0, 1.0]), [TODAY, TODAY, TODAY]
    found = company_metrics(
        facts, [], symbols=["KO", "PEP", "SPY"], prices=prices, price_sessions=days, known_from=KNOWN_FROM
    )
    assert [one.market_cap for one in found] == [50_000.0, 70.0, None]
