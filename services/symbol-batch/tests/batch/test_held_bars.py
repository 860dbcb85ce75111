"""The metric of bars that are held back."""

from datetime import date

import pytest
from prometheus_client import REGISTRY

from symbol_batch.held_bars import measure_held_bars

MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")


def held(rule: str) -> float | None:
    return REGISTRY.get_sample_value("riskstream_quarantine_bars", {"rule": rule})


async def test_held_bars_are_counted_by_rule_until_somebody_decides(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    await measure_held_bars(batch.prices)
    assert (held("jump"), held("dividend")) == (0, 0)
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await measure_held_bars(batch.prices)
    assert (held("jump"), held("dividend")) == (1, 0)
    await revisions.decide(company, TUESDAY, "reject", who="Ann", note=None)
    await measure_held_bars(batch.prices)
    assert held("jump") == 0


def test_a_rule_that_only_warns_has_no_series() -> None:
    assert held("loose enclosure") is None
