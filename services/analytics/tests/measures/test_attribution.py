"""Attribution: by hand, against ledgers kept by hand, and what is said where there is none."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from analytics.evenings import evenings_of
from analytics.evidence import Evidence
from analytics.measures.attribution import compute, wants
from analytics.measures.attribution_question import AttributionParameters
from analytics.measures.attribution_result import Attribution, UnexplainedPart
from analytics.measures.measure import Finding, UnanswerableError
from analytics.past import Past
from yardstick.books import SESSION, book_of, edition_of, planted_market
from yardstick.books import Lot as Held
from yardstick.kept_ledger import past_of
from yardstick.ledger import Lot, Tape
from yardstick.random_ledger import invented_tape, without_gaps

EDITION = edition_of(planted_market([]), sectors={})
DAYS = [date(2024, 12, day) for day in (9, 10, 11, 12, 13, 16)]
BOOK = book_of([Held("A", 1.0)])


def _ask(past: Past, **asked: Any) -> Finding[Attribution]:
    session = past.snapshots.sessions[-1].item() if past.snapshots is not None else SESSION
    edition = replace(EDITION, sectors={"A": "Energy", "B": "ETF"})
    return compute(Evidence(replace(BOOK, session=session), edition, past), AttributionParameters(**asked))


def _with(past: Past, **changes: Any) -> Past:
    assert past.ledger is not None
    return replace(past, ledger=replace(past.ledger, **changes))


def _part(found: Attribution, reason: str) -> UnexplainedPart:
    [one] = [part for part in found.unexplained if part.reason == reason]
    return one


def _tape(**closes: list[float]) -> Tape:
    return Tape(
        DAYS,
        {
            symbol: {day: Decimal(repr(close)) for day, close in zip(DAYS, series, strict=True) if close == close}
            for symbol, series in closes.items()
        },
    )


def _lot(symbol: str, quantity: int, entry: float = 100.0, day: date = DAYS[0], **more: Any) -> Lot:
    return Lot(symbol, Decimal(quantity), Decimal(repr(entry)), day, **more)


def _loadings(past: Past, market: dict[str, float], factor: list[float]) -> Past:
    """Betas to the market alone, and its returns."""
    assert past.ledger is not None
    betas = np.zeros_like(past.ledger.betas)
    betas[:, :, 0] = [market[symbol] for symbol in past.ledger.symbols]
    moves = np.zeros_like(past.ledger.factor_returns)
    moves[:, 0] = factor
    return _with(past, betas=betas, factor_returns=moves)


TWO = _tape(A=[100, 110, 110, 110, 110, 121], B=[50, 50, 50, 50, 50, 45])
HELD_THROUGH = _loadings(
    past_of([_lot("A", 10), _lot("B", -20, 50.0)], TWO, DAYS[0], Decimal(5_000)),
    {"A": 1.5, "B": 0.5},
    [0.05, 0, 0, 0, 0.02],
)


def test_a_day_is_taken_apart_by_the_holdings_of_the_evening_before() -> None:
    """1,100 of A at 1.5 and −1,000 of B at 0.5: exposure 1,150, market +2 %; A made 110, B made 100."""
    found = _ask(HELD_THROUGH).result
    assert (found.since, found.until, found.sessions, found.reason) == (DAYS[-1], DAYS[-1], 1, None)
    assert found.pnl == pytest.approx(210)
    assert found.factor_pnl == pytest.approx(23)
    assert found.specific_pnl == pytest.approx(187)
    assert found.unexplained_pnl == pytest.approx(0, abs=1e-9)
    market = found.by_factor[0]
    assert (market.factor, market.exposure, market.pnl) == ("market", pytest.approx(1_150), pytest.approx(23))
    assert found.nav_before == pytest.approx(5_100)
    assert found.contribution == pytest.approx(210 / 5_100)
    assert market.contribution == pytest.approx(23 / 5_100)
    assert [(one.symbol, one.sector, one.market_value) for one in found.by_position] == [
        ("A", "Energy", pytest.approx(1_100)),
        ("B", "ETF", pytest.approx(-1_000)),
    ]
    first, second = found.by_position
    assert (first.made.pnl, first.made.factor_pnl) == (pytest.approx(110), pytest.approx(33))
    assert (second.made.pnl, second.made.factor_pnl) == (pytest.approx(100), pytest.approx(-10))
    assert second.contribution == pytest.approx(100 / 5_100)
    assert [(one.sector, one.made.specific_pnl) for one in found.by_sector] == [
        ("ETF", pytest.approx(110)),
        ("Energy", pytest.approx(77)),
    ]
    assert found.positions == 2


def test_a_range_is_the_sum_of_its_days() -> None:
    finding = _ask(HELD_THROUGH, since=DAYS[0])
    found = finding.result
    assert (found.since, found.until, found.sessions) == (DAYS[1], DAYS[-1], 5)
    assert found.pnl == pytest.approx(100 + 210)
    assert found.factor_pnl == pytest.approx((1_500 - 500) * 0.05 + 23)
    assert found.contribution == pytest.approx(100 / 5_000 + 210 / 5_100)
    assert sum(day.pnl for day in found.days) == pytest.approx(found.pnl)
    assert [day.session for day in found.days] == DAYS[1:]
    assert [day.loadings_session for day in found.days] == DAYS[:-1]
    assert finding.coverage == pytest.approx(1)


def test_how_far_the_factors_part_is_off_is_said_where_the_edition_knows_it() -> None:
    found = _ask(HELD_THROUGH).result
    assert (found.factor_pnl_standard_error, found.standard_error_coverage) == (None, 0)
    assert found.standard_error_reason == "nothing_estimated", "the edition holds neither symbol"
    assert {one.standard_error for one in found.by_factor} == {None}
    past, known = HELD_THROUGH, edition_of(planted_market(["A", "B"]))
    session = past.snapshots.sessions[-1].item() if past.snapshots is not None else SESSION
    there = compute(Evidence(replace(BOOK, session=session), known, past), AttributionParameters()).result
    assert there.factor_pnl_standard_error is not None
    assert there.factor_pnl_standard_error > 0
    assert there.by_factor[0].standard_error == pytest.approx(there.factor_pnl_standard_error), "the market alone moved"
    assert (there.standard_error_coverage, there.standard_error_reason) == (1, None)


def test_a_range_may_end_before_the_session() -> None:
    found = _ask(HELD_THROUGH, since=DAYS[1], until=DAYS[2]).result
    assert (found.since, found.until, found.pnl) == (DAYS[1], DAYS[2], pytest.approx(100))
    assert _ask(HELD_THROUGH, until=DAYS[1]).result.pnl == pytest.approx(100)


def test_what_is_bought_and_sold_is_trading_against_the_close() -> None:
    """A is sold at 125, four above the close; B is bought at 44, one below it; fees of three."""
    lots = [
        _lot("A", 10, exit_price=Decimal(125), exit_date=DAYS[-1], exit_fee=Decimal(1)),
        _lot("B", 20, 44.0, DAYS[-1], entry_fee=Decimal(2)),
    ]
    found = _ask(_loadings(past_of(lots, TWO, DAYS[0], None), {"A": 1, "B": 1}, [0, 0, 0, 0, 0.1])).result
    assert found.pnl == pytest.approx(150 + 20 - 3)
    assert found.factor_pnl == pytest.approx(110)
    assert found.specific_pnl == pytest.approx(0, abs=1e-9)
    trading = _part(found, "trading")
    assert (trading.pnl, trading.symbols) == (pytest.approx(40 + 20), ["A", "B"])
    assert _part(found, "fees").pnl == pytest.approx(-3)
    assert _part(found, "remainder").pnl == pytest.approx(0, abs=1e-9)


def test_what_a_portfolio_begins_with_is_held_from_its_first_session_on_and_no_trade() -> None:
    """Two portfolios as one: the second comes on Wednesday with what it bought in November."""
    early, late = _lot("B", -20, 50.0), _lot("A", 10, 60.0, date(2024, 11, 1))
    past = past_of([early, late], TWO, DAYS[0], Decimal(5_000))
    assert past.ledger is not None
    begins = np.array([DAYS[0], DAYS[2]], dtype="datetime64[D]")
    both = _with(past, lots=replace(past.ledger.lots, begins=begins))
    evenings = evenings_of(both.ledger)  # type: ignore[arg-type]
    assert evenings.values[:, 0].tolist() == pytest.approx([0, 0, 1_100, 1_100, 1_100, 1_210])
    assert evenings.values[:, 1].tolist() == pytest.approx([-1_000] * 5 + [-900])
    assert not evenings.trading_pnl.any()
    assert not evenings.traded.any()


def test_a_split_and_a_dividend_are_part_of_the_return() -> None:
    tape = replace(
        _tape(A=[100, 100, 100, 100, 100, 52]),
        splits={"A": {DAYS[-1]: Decimal(2)}},
        dividends={"A": {date(2024, 12, 15): Decimal(1)}},  # A Sunday: ten shares have it.
    )
    found = _ask(past_of([_lot("A", 10)], tape, DAYS[0], None)).result
    assert found.specific_pnl == pytest.approx(found.pnl)
    assert found.pnl == pytest.approx(20 * 52 - 1_000 + 10)


def test_a_missing_close_leaves_what_prices_moved_unexplained_by_name() -> None:
    gap = past_of([_lot("A", 10)], _tape(A=[100, 110, 110, 110, float("nan"), 121]), DAYS[0], None)
    finding = _ask(gap)
    missing = _part(finding.result, "no_return")
    assert (missing.pnl, missing.symbols, missing.symbols_total) == (pytest.approx(110), ["A"], 1)
    assert _part(finding.result, "remainder").pnl == pytest.approx(0, abs=1e-9)
    assert finding.result.by_position[0].made.other_pnl == pytest.approx(110)
    assert finding.coverage == 0.0


@pytest.mark.parametrize("reason", ["no_loadings", "no_edition", "no_factor_returns"])
def test_without_loadings_or_factors_the_whole_return_is_unexplained_by_name(reason: str) -> None:
    ledger = HELD_THROUGH.ledger
    assert ledger is not None
    lacking = {
        "no_loadings": {"betas": np.where(np.array([True, False])[:, None], np.nan, ledger.betas)},
        "no_edition": {
            "betas": np.full_like(ledger.betas, np.nan),
            "loadings_session": np.full(5, np.datetime64("NaT"), dtype="datetime64[D]"),
        },
        "no_factor_returns": {"factor_returns": np.full_like(ledger.factor_returns, np.nan)},
    }
    finding = _ask(_with(HELD_THROUGH, **lacking[reason]))
    part = _part(finding.result, reason)
    alone = reason == "no_loadings"
    assert part.symbols == (["A"] if alone else ["A", "B"])
    assert part.pnl == pytest.approx(110 if alone else 210)
    assert finding.coverage == pytest.approx(1_000 / 2_100 if alone else 0)
    assert finding.result.days[0].loadings_reason == ("no_edition" if reason == "no_edition" else None)
    assert _part(finding.result, "remainder").pnl == pytest.approx(0, abs=1e-9)


def test_what_is_valued_by_hand_is_named_and_in_the_remainder() -> None:
    house = _lot(
        "HOUSE", 1, 1_000.0, investment_class="PRIVATE", prices={DAYS[0]: Decimal(1_000), DAYS[-1]: Decimal(1_300)}
    )
    finding = _ask(past_of([house, _lot("A", 10)], TWO, DAYS[0], None))
    assert finding.result.by_hand == ["HOUSE"]
    assert _part(finding.result, "remainder").pnl == pytest.approx(300)
    assert finding.coverage == pytest.approx(1_100 / 2_100)


def test_only_by_hand_valued_holdings_leave_everything_unexplained() -> None:
    house = _lot(
        "HOUSE", 1, 1_000.0, investment_class="PRIVATE", prices={DAYS[0]: Decimal(1_000), DAYS[-1]: Decimal(1_300)}
    )
    finding = _ask(past_of([house], TWO, DAYS[0], None))
    assert (finding.result.unexplained_pnl, finding.coverage) == (pytest.approx(300), 0.0)
    assert finding.result.unexplained_share == 1.0
    assert (finding.result.positions, finding.result.by_sector) == (0, [])


def test_cash_only_made_nothing() -> None:
    finding = _ask(past_of([], TWO, DAYS[0], Decimal(1_000)))
    assert (finding.result.pnl, finding.result.contribution, finding.coverage) == (0.0, 0.0, None)
    assert (finding.result.unexplained_share, finding.result.unexplained_share_reason) == (None, "nothing_moved")


def test_nav_that_was_not_positive_leaves_usd_and_takes_the_shares() -> None:
    owed = past_of([_lot("A", 10)], TWO, DAYS[0], Decimal(-5_000))
    found = _ask(owed).result
    assert found.pnl == pytest.approx(110)
    assert (found.contribution, found.contribution_reason) == (None, "nav_not_positive")
    assert found.by_factor[0].contribution is None
    assert found.closes_within is not None


def test_assumed_loadings_are_named() -> None:
    found = _ask(_with(HELD_THROUGH, assumed=np.tile([False, True], (5, 1)))).result
    assert found.assumed_loadings == ["B"]


def test_top_bounds_the_list_and_totals_stay() -> None:
    found = _ask(HELD_THROUGH, top=1).result
    assert ([one.symbol for one in found.by_position], found.positions) == (["A"], 2)
    assert sum(one.made.pnl for one in found.by_sector) == pytest.approx(210)


def test_a_stranger_has_no_ledger_and_the_first_session_no_evening_before() -> None:
    for past in (Past(), replace(HELD_THROUGH, ledger=None)):
        found = _ask(past).result
        assert (found.reason, found.pnl, found.closes_within_reason) == ("no_session", None, "no_session")
    assert _ask(HELD_THROUGH, since=DAYS[0], until=DAYS[0]).result.reason == "no_session"
    assert _ask(HELD_THROUGH, since=date(2024, 12, 14), until=date(2024, 12, 15)).result.reason == "no_session"


def test_a_valuation_of_lots_that_were_changed_since_is_not_taken_apart() -> None:
    found = _ask(_with(HELD_THROUGH, newer=True)).result
    assert (found.reason, found.pnl) == ("valuation_is_older_than_its_lots", None)


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "2024-12-13", "until": "2024-12-12"},
        {"since": "2023-01-01", "until": "2024-12-12"},
        {"top": -1},
        {"top": 10_000},
        {"since": "soon"},
    ],
)
def test_values_out_of_range_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AttributionParameters(**asked)


@pytest.mark.parametrize(("since", "why"), [(date(2024, 12, 17), "after"), (date(2023, 1, 1), "366 days")])
def test_a_range_that_the_valuation_cannot_have_is_refused(since: date, why: str) -> None:
    with pytest.raises(UnanswerableError, match=why):
        wants(BOOK, AttributionParameters(since=since))


def test_enough_days_are_wanted_for_r_squared() -> None:
    wanted = wants(BOOK, AttributionParameters())
    assert (wanted.ledger, wanted.snapshots, wanted.until) == (True, True, SESSION)
    assert wanted.since is not None
    assert np.busday_count(wanted.since, SESSION) >= 23
    year = wants(BOOK, AttributionParameters(since=date(2024, 1, 2), until=date(2030, 1, 1) - timedelta(days=1_900)))
    assert year.since == date(2024, 1, 2)


def test_r_squared_is_of_the_days_asked_about_or_of_the_last_twenty_one() -> None:
    dice = np.random.default_rng(9)
    tape = without_gaps(invented_tape(dice))
    symbol = sorted(tape.closes)[0]
    plain = Tape(tape.sessions, tape.closes)
    first, last = tape.sessions[0], tape.sessions[-1]
    past = past_of([_lot(symbol, 7, 50.0, first)], plain, first, None)
    ledger = past.ledger
    assert ledger is not None
    past = _loadings(past, {symbol: 1.0}, list(ledger.returns[:, 0] * 0.8))
    day, whole = _ask(past).result, _ask(past, since=first).result
    assert (day.r_squared_sessions, whole.r_squared_sessions) == (21, len(tape.sessions) - 1)
    assert past.snapshots is not None
    pnl = past.snapshots.pnl[1:]
    for found, part in ((day, pnl[-21:]), (whole, pnl)):
        assert found.r_squared == pytest.approx(
            1 - ((0.2 * part) ** 2).sum() / ((part - part.mean()) ** 2).sum(), rel=1e-3
        )
    early = _ask(past, until=tape.sessions[5]).result
    assert (early.r_squared, early.r_squared_sessions, early.r_squared_reason) == (None, 0, "too_few_sessions")
    assert whole.until == last
