"""Every measure of every odd book, with every kind of edition: an answer, whole, without a number that is none."""

import math
from typing import Any

import numpy as np
import orjson
import pytest

from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures import MEASURES
from analytics.past import Past, Returns, Snapshots
from riskstream.market.risk_factors import BENCHMARKS
from yardstick.books import edition_of, planted_market
from yardstick.odd_books import HELD, odd_books

BOOKS = odd_books()
MARKET = planted_market(HELD, seed=5)
SHORT = planted_market(HELD, sessions=3, seed=6)
NOTHING = [float("nan")] * 12

EDITIONS: dict[str, Edition] = {
    "whole": edition_of(MARKET),
    "no risk model": edition_of(MARKET, model_reason="benchmark_missing"),
    "nothing estimated": edition_of(
        MARKET,
        exposures=dict.fromkeys(HELD, NOTHING),
        assumed=dict.fromkeys(HELD, "too_few_observations"),
        missing=dict.fromkeys(HELD, 315),
    ),
    "half of it young": edition_of(MARKET, missing=dict.fromkeys(HELD[::2], 280)),
    "three sessions old": edition_of(SHORT),
}

CRASH = np.arange("2020-02-18", "2020-03-24", dtype="datetime64[D]")
CRASHING = np.random.default_rng(9).normal(-0.01, 0.04, (len(HELD), len(CRASH)))
CRASHING[::3, :5] = np.nan

PASTS: dict[str, Past] = {
    "no past": Past(),
    "returns of a crash": Past(
        returns=Returns(
            (*BENCHMARKS, *HELD), CRASH, np.concatenate([np.full((len(BENCHMARKS), len(CRASH)), -0.01), CRASHING])
        )
    ),
    "a past of two sessions": Past(
        Snapshots(
            np.array(["2024-12-13", "2024-12-16"], dtype="datetime64[D]"),
            nav=np.array([1000.0, 0.0]),
            pnl=np.array([0.0, -1000.0]),
            flow=np.zeros(2),
            daily_return=np.array([np.nan, -1.0]),
        ),
        Returns((), np.array([], dtype="datetime64[D]"), np.empty((0, 0))),
    ),
}

PARAMETERS: dict[str, dict[str, Any]] = {"what-if": {"trades": [{"symbol": "S039", "quantity": 3}]}}
"""Of the measures that cannot do without."""


@pytest.mark.parametrize("past", PASTS)
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("measure", MEASURES)
def test_every_odd_book_has_an_answer(measure: str, edition: str, past: str) -> None:
    asked = MEASURES[measure]
    parameters = asked.parameters(**PARAMETERS.get(measure, {}))
    for odd, book in BOOKS.items():
        asked.wants(book, parameters)
        finding = asked.compute(Evidence(book, EDITIONS[edition], PASTS[past]), parameters)
        # What the cache stores and believes again.
        stored = orjson.loads(finding.result.model_dump_json())
        assert asked.result.model_validate_json(orjson.dumps(stored)) == finding.result, odd
        assert finding.coverage is None or 0 <= finding.coverage <= 1, odd
        for place, value in leaves(stored):
            assert not isinstance(value, float) or math.isfinite(value), (odd, place)


def leaves(value: Any, place: str = "") -> Any:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{number}]")
    else:
        yield place, value


def test_the_benchmarks_are_in_every_edition() -> None:
    assert all(set(BENCHMARKS) <= set(edition.index) for edition in EDITIONS.values())
