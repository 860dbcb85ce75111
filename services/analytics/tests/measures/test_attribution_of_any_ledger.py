"""Attribution of ledgers made by dice, against the same kept by hand in decimals: it closes, whatever happened."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.evidence import Evidence
from analytics.measures.attribution import compute
from analytics.measures.attribution_question import AttributionParameters
from analytics.measures.attribution_result import Attribution
from analytics.measures.measure import Finding
from analytics.past import Past
from yardstick.books import Lot, book_of, edition_of, planted_market
from yardstick.kept_ledger import past_of
from yardstick.random_ledger import invented_tape, random_ledger, without_gaps

EDITION = edition_of(planted_market([]), sectors={"A": "Energy", "B": "ETF"})
BOOK = book_of([Lot("A", 1.0)])


def _ask(past: Past, since: date) -> Finding[Attribution]:
    assert past.snapshots is not None
    book = replace(BOOK, session=past.snapshots.sessions[-1].item())
    return compute(Evidence(book, EDITION, past), AttributionParameters(since=since, top=1_000))


def _unexplained(found: Attribution, reason: str) -> float:
    [one] = [part for part in found.unexplained if part.reason == reason]
    return one.pnl


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**9))
def test_any_ledger_closes_and_what_is_listed_and_priced_leaves_no_remainder(seed: int) -> None:
    """Against a ledger kept by hand, in decimals: splits, distributions, dividends, lots opened and closed any day."""
    dice = np.random.default_rng(seed)
    tape = without_gaps(invented_tape(dice))
    random = random_ledger(dice, tape)
    lots = [lot for lot in random.lots if lot.investment_class == "PUBLIC" and lot.symbol in tape.closes]
    past = past_of(lots, tape, random.first_session, random.declared, random.flows)
    ledger = past.ledger
    if ledger is None or not len(ledger.returns):
        return
    loaded = replace(
        ledger,
        betas=dice.normal(0.5, 1, ledger.betas.shape),
        factor_returns=dice.normal(0, 0.01, ledger.factor_returns.shape),
    )
    past = replace(past, ledger=loaded)
    finding = _ask(past, tape.sessions[0])
    found = finding.result
    assert found.pnl is not None
    assert found.closes_within is None or found.closes_within <= 1e-6
    assert found.pnl == pytest.approx(sum(day.pnl for day in found.days), abs=1e-6)
    size = 1 + float(np.abs(ledger.gross).max(initial=0))
    assert abs(_unexplained(found, "remainder")) <= 6e-4 * (len(lots) + 1) * len(found.days) + 1e-9 * size
    assert sum(one.pnl for one in found.by_factor) == pytest.approx(found.factor_pnl, abs=1e-9 * size)
    for made in (found.by_position, found.by_sector):
        assert sum(one.made.factor_pnl for one in made) == pytest.approx(found.factor_pnl, abs=1e-9 * size)
        assert sum(one.made.specific_pnl for one in made) == pytest.approx(found.specific_pnl, abs=1e-9 * size)
        assert sum(one.made.trading_pnl for one in made) == pytest.approx(
            _unexplained(found, "trading"), abs=1e-9 * size
        )
    assert sum(one.pnl for one in found.unexplained) == pytest.approx(found.unexplained_pnl, abs=1e-9 * size)
    for day in found.days:
        assert day.pnl == pytest.approx(day.factor_pnl + day.specific_pnl + day.unexplained_pnl, abs=1e-9 * size)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**9))
def test_any_ledger_with_gaps_options_and_private_holdings_closes_too(seed: int) -> None:
    dice = np.random.default_rng(seed)
    tape = invented_tape(dice)
    random = random_ledger(dice, tape)
    past = past_of(random.lots, tape, random.first_session, random.declared, random.flows)
    finding = _ask(past, tape.sessions[0])
    found = finding.result
    if found.reason is not None:
        return
    assert found.closes_within is None or found.closes_within <= 1e-6
    assert finding.coverage is None or 0 <= finding.coverage <= 1
    assert sum(one.pnl for one in found.unexplained) == pytest.approx(found.unexplained_pnl, rel=1e-9, abs=1e-6)
