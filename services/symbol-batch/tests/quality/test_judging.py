"""A symbol's answer held against what was there before, and the sentences that come of it."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from symbol_batch.actions import CorporateAction
from symbol_batch.bars import TradedBars, TradedHistory
from symbol_batch.quality import BARS_BEFORE, Before, Rule, judge, judge_market

FIRST = date(2025, 3, 3)


def bars(closes, first: int = 0) -> TradedBars:
    """A bar a day from the `first`th on; all volumes differ."""
    close = np.array(closes, dtype=float)
    days = np.datetime64(FIRST, "D") + first + np.arange(len(close))
    return TradedBars(days, close, close * 1.01, close * 0.99, close, 1000.0 + first + np.arange(len(close)))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def split(number: int, ratio: float) -> CorporateAction:
    return CorporateAction("X", day(number), "split", ratio=ratio)


def dividend(number: int, amount: float) -> CorporateAction:
    return CorporateAction("X", day(number), "dividend", amount=amount)


def test_a_clean_answer_has_no_findings() -> None:
    assert judge(TradedHistory(bars([100, 101, 99]), ())) == []


def test_an_empty_answer_has_no_findings() -> None:
    assert judge(TradedHistory(bars([]), ()), Before(bars([100, 101]))) == []


def test_a_finding_names_session_rule_and_figures() -> None:
    (finding,) = judge(TradedHistory(bars([100, 49.8, 50]), ()))
    assert (finding.session, finding.rule) == (day(1), Rule.JUMP)
    assert finding.reason == "close 49.8 after 100 on 2025-03-03: total return -50.2% with no action listed"


def test_a_jump_says_what_is_listed_for_it() -> None:
    (finding,) = judge(TradedHistory(bars([100, 101]), (split(1, 2.0), dividend(1, 3.0))))
    assert finding.reason.endswith("total return +105.0% with a ratio of 2 and a dividend of 3 listed")


def test_a_bar_within_a_spike_says_so() -> None:
    findings = judge(TradedHistory(bars([100, 900, 901, 100]), ()))
    assert [finding.session for finding in findings] == [day(1), day(2)]
    assert findings[1].reason == "close 901 after 900 on 2025-03-04: amid a jump that was soon taken back"


@pytest.mark.parametrize(
    ("closes", "figures", "rule", "reason"),
    [
        ([10, 10], {"volume": [5.0, 0.0]}, Rule.FROZEN, "close 10 after 10 on 2025-03-03, and no volume"),
        (
            [10, 10],
            {"volume": [5.0, 5.0]},
            Rule.REPEATED,
            "open, high, low, close and volume are all those of 2025-03-03",
        ),
        (
            [10, 11],
            {"high": [10.1, 10.0]},
            Rule.ENCLOSURE,
            "low 10.89 to high 10 does not enclose open 11 and close 11, by 10.00%",
        ),
        (
            [10, 11],
            {"open": [10.0, 0.0]},
            Rule.ENCLOSURE,
            "low 10.89 to high 11.11 does not enclose open 0 and close 11, as one of them is not positive",
        ),
    ],
)
def test_every_rule_has_its_sentence(closes, figures, rule, reason) -> None:
    made = bars(closes)
    figures = {name: np.array(values) for name, values in figures.items()}
    columns = {name: getattr(made, name) for name in ("days", "open", "high", "low", "close", "volume")}
    (finding,) = judge(TradedHistory(TradedBars(**(columns | figures)), ()))
    assert (finding.session, finding.rule, finding.reason) == (day(1), rule, reason)


def test_a_dividend_says_how_unusual_it_is() -> None:
    walk = 100 + np.arange(100) % 2
    walk[-1] = walk[-2] * 1.01
    paid = [dividend(number, 0.5) for number in (10, 30, 50, 70)]
    (finding,) = judge(TradedHistory(bars(walk), (*paid, dividend(99, 6.0))))
    assert finding.rule is Rule.DIVIDEND
    assert finding.reason.startswith("a dividend of 12.0 times the median of those before, and the price did not")


def test_a_single_new_bar_is_held_against_the_stored_ones() -> None:
    night = TradedHistory(bars([9900], first=3), ())
    assert judge(night) == []
    (finding,) = judge(night, Before(bars([98, 97, 99])))
    assert (finding.session, finding.rule) == (day(3), Rule.JUMP)


def test_a_stored_bar_is_never_a_finding() -> None:
    assert judge(TradedHistory(bars([50], first=2), ()), Before(bars([100, 50]))) == []


def test_where_both_have_a_day_the_answer_counts() -> None:
    corrected = TradedHistory(bars([100, 101], first=1), ())
    assert judge(corrected, Before(bars([99, 990]))) == []


def test_a_held_bar_among_those_before_makes_the_new_level_one_finding() -> None:
    night_after = TradedHistory(bars([50.5], first=2), ())
    assert len(judge(night_after, Before(bars([100])))) == 1
    assert judge(night_after, Before(bars([100, 50]))) == []


def test_a_bar_back_from_a_held_one_is_no_finding() -> None:
    assert judge(TradedHistory(bars([101], first=2), ()), Before(bars([100, 10_000]))) == []


def test_stored_dividends_are_the_usual_ones() -> None:
    stored = bars(100 + np.arange(90) % 2)
    before = Before(stored, tuple(dividend(number, 0.5) for number in (10, 30, 50, 70)))
    night = TradedHistory(bars([105], first=90), (dividend(90, 5.0),))
    assert [finding.rule for finding in judge(night, before)] == [Rule.DIVIDEND]
    assert judge(night, Before(stored)) == []


def test_dividends_older_than_the_stored_bars_are_usual_too() -> None:
    stored = bars(100 + np.arange(BARS_BEFORE) % 2, first=200)
    night = TradedHistory(bars([105], first=200 + BARS_BEFORE), (dividend(200 + BARS_BEFORE, 5.0),))
    older = tuple(dividend(number, 0.5) for number in (10, 75, 140))
    (finding,) = judge(night, Before(stored, older))
    assert (finding.session, finding.rule) == (day(200 + BARS_BEFORE), Rule.DIVIDEND)
    assert judge(night, Before(stored, older[:1])) == []
    merged = (*older, split(180, 0.1))  # ten old shares in one since: it is the usual dividend
    assert judge(night, Before(stored, merged)) == []


def test_a_stored_action_that_the_answer_no_longer_lists_does_not_excuse() -> None:
    before = Before(bars([100, 101]), (split(2, 2.0),))
    (finding,) = judge(TradedHistory(bars([101, 50], first=1), ()), before)
    assert finding.session == day(2)


def test_an_action_in_both_counts_once() -> None:
    before = Before(bars([100]), (split(2, 2.0),))
    assert judge(TradedHistory(bars([50], first=2), (split(2, 2.0),)), before) == []
    assert judge(TradedHistory(bars([50], first=3), (split(2, 2.0),)), before) == []


def test_an_action_on_a_day_without_session_counts_on_the_next_bar() -> None:
    weekend = TradedBars(*(np.delete(getattr(bars([100, 1, 50]), name), 1) for name in bars([1]).__dict__))
    assert judge(TradedHistory(weekend, (split(1, 2.0),))) == []


@pytest.fixture
def quiet_market() -> dict[str, Any]:
    """Twelve symbols of one sector, S0 to S11, on 160 sessions, none of them suspicious."""
    random = np.random.default_rng(3)
    spy = random.normal(0, 0.01, 160)
    returns = spy[:, None] + random.normal(0, 0.01, (160, 12))
    return {
        "symbols": [f"S{number}" for number in range(12)],
        "sessions": [day(number) for number in range(160)],
        "returns": returns,
        "market": spy,
        "volumes": np.full(returns.shape, 1000.0),
        "sectors": np.zeros(12, dtype=int),
    }


def test_a_quiet_market_has_no_findings(quiet_market) -> None:
    assert judge_market(**quiet_market, rows=60) == {}


def test_the_markets_findings_tell_of_dividends_too(quiet_market) -> None:
    quiet_market["returns"][-1, 4] = 0.09
    dividends = np.zeros(quiet_market["returns"].shape)
    dividends[[20, 80, -1], 4] = [1.0, 1.0, 10.0]
    found = judge_market(**quiet_market, dividends=dividends)
    (finding,) = found["S4"]
    assert finding.rule is Rule.DIVIDEND
    assert finding.reason.startswith(
        "a dividend of 10.0 times the median of those before, and the price did not fall for it: total return +9.0% "
        "where market and sector make "
    )


def test_a_bar_that_breaks_both_rules_is_one_finding_of_the_market(quiet_market) -> None:
    quiet_market["returns"][-1, 4] = 0.30
    dividends = np.zeros(quiet_market["returns"].shape)
    dividends[[20, 80, -1], 4] = [1.0, 1.0, 10.0]
    found = judge_market(**quiet_market, dividends=dividends)
    assert {symbol: [finding.rule for finding in own] for symbol, own in found.items()} == {"S4": [Rule.CROSS_SECTION]}


def test_findings_of_several_sessions_are_each_on_their_own(quiet_market) -> None:
    quiet_market["returns"][[-3, -1], 4] = 0.30
    found = judge_market(**quiet_market, rows=4)
    assert [finding.session for finding in found["S4"]] == [day(157), day(159)]


def test_the_markets_findings_name_symbol_session_and_figures(quiet_market) -> None:
    quiet_market["returns"][-1, 4] = -1 / 3
    found = judge_market(**quiet_market, rows=2)
    assert list(found) == ["S4"]
    (finding,) = found["S4"]
    assert (finding.session, finding.rule) == (day(159), Rule.CROSS_SECTION)
    assert finding.reason.startswith("total return -33.3% where market and sector make ")
    assert finding.reason.endswith(" of the symbol's own deviations, on 1.0 times the usual volume")
    quiet_market["volumes"][-1, 4] = np.nan
    found = judge_market(**quiet_market)
    assert found["S4"][0].reason.endswith("on a volume that is not known")
