"""Series that the vendor broke and others repaired: which of their bars the gate holds, named one by one."""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from symbol_batch.bars import traded_history
from symbol_batch.providers.provider import ProviderBars
from symbol_batch.quality import Finding, Rule, judge
from yardstick.prices import FILE

FOLDER = FILE.parent / "yahoo" / "repair"
STALE = (Rule.REPEATED, Rule.FROZEN)


@dataclass(frozen=True)
class Expected:
    """The bars that jump, in the broken series and in the repaired one."""

    broken: tuple[str, ...]
    fixed: tuple[str, ...] = ()


EXPECTED = {
    # The split is listed, and most of the history before it is not adjusted for it: one junction.
    "4063-T-1d-bad-stock-split": Expected(("2023-03-29",)),
    # A hundred times too small at both ends, right for nine bars between: the junctions, which is all a jump can show.
    "AET-L-1d-100x-error": Expected(("2022-05-09", "2022-05-20")),
    # One bar adjusted twice. The quotes around it are one, two or three hundredths of a cent: those moves are real.
    "ALPHA-PA-1d-bad-stock-split": Expected(
        ("2023-04-24", "2023-04-27", "2023-05-08", "2023-05-09", "2023-05-23"),
        ("2023-04-24", "2023-04-27", "2023-05-08", "2023-05-23"),
    ),
    # One bar adjusted for a split that comes later; the way back from it is none.
    "CNE-L-1d-bad-stock-split": Expected(("2023-05-09",)),
    # Every dividend a hundredfold, as much as the price or more.
    "REL-L-1d-bad-div": Expected(("2022-04-28", "2022-08-04", "2023-04-27", "2023-08-03", "2024-05-02", "2024-08-01")),
    # A dividend of a third of a percent listed twice, a session apart: any day's noise is larger, and nothing shows.
    "SAND-1d-bad-div": Expected(()),
    # Only the dividend-adjusted close is wrong, which nobody reads.
    "8TRA-DE-1d-missing-div-adjust": Expected(()),
    "DODFX-1d-cg-double-count": Expected(()),
}
STALE = {"AET-L-1d-100x-error": 19, "DODFX-1d-cg-double-count": 8}
"""Bars that repeat the one before without a trade, broken and repaired alike: a dormant share, a fund's net value."""


@pytest.fixture(scope="module", autouse=True)
def _broken_series() -> None:
    if not FOLDER.exists():
        reason = f"the broken series are not at {FOLDER}"
        if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", "").split(","):
            pytest.fail(f"{reason}, and RISKSTREAM_REQUIRE asks for them")
        pytest.skip(reason)


def findings(name: str) -> list[Finding]:
    table = pd.read_csv(FOLDER / f"{name}.csv")
    table.index = pd.Index([date.fromisoformat(str(day)[:10]) for day in table.iloc[:, 0]])
    table = table.sort_index()

    def events(column: str) -> tuple[tuple[date, float], ...]:
        return tuple((day, float(figure)) for day, figure in table[column].items() if figure)

    answer = ProviderBars(
        days=np.array(table.index, dtype="datetime64[D]"),
        **{column.lower(): table[column].to_numpy(float) for column in ("Open", "High", "Low", "Close", "Volume")},
        ratios=events("Stock Splits"),
        dividends=events("Dividends"),
    )
    history = traded_history(name, answer, set(table.index), table.index[-1])
    assert not history.left_out
    return judge(history)


def by_rule(name: str) -> dict[Rule, list[str]]:
    found: dict[Rule, list[str]] = defaultdict(list)
    for finding in findings(name):
        found[finding.rule].append(f"{finding.session}")
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_series_shows_where_it_is_broken(name: str) -> None:
    found = by_rule(name)
    assert tuple(found[Rule.JUMP]) == EXPECTED[name].broken
    assert len(found[Rule.REPEATED] + found[Rule.FROZEN]) == STALE.get(name, 0)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_repaired_series_shows_what_was_never_broken(name: str) -> None:
    found = by_rule(f"{name}-fixed")
    assert tuple(found[Rule.JUMP]) == EXPECTED[name].fixed
    assert len(found[Rule.REPEATED] + found[Rule.FROZEN]) == STALE.get(name, 0)


def test_no_other_rule_speaks_but_for_one_bar_without_a_range() -> None:
    others = {
        (name, day, rule)
        for path in FOLDER.glob("*.csv")
        for name in [path.stem]
        for rule, days in by_rule(name).items()
        for day in days
        if rule not in (Rule.JUMP, Rule.REPEATED, Rule.FROZEN)
    }
    assert others == {
        ("REL-L-1d-bad-div", "2024-05-02", Rule.ENCLOSURE),
        ("REL-L-1d-bad-div-fixed", "2024-05-02", Rule.ENCLOSURE),
    }


def test_large_dividends_that_are_right_are_no_findings() -> None:
    assert findings("CALM-1d-no-bad-divs") == []
