"""What a night's alerts look at: measured from the database, by every replica, also after a restart."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from riskstream.market.risk_factors import BENCHMARKS
from riskstream.runtime.clock import NEW_YORK
from symbol_batch.calendar import calendar_at, due_at
from symbol_batch.freshness import Freshness, overdue_since
from symbol_batch.store import runs

FRIDAY, MONDAY, TUESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8)

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")


def shown(name: str) -> float:
    value = REGISTRY.get_sample_value(f"riskstream_{name}")
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("published", "moment", "since"),
    [
        (FRIDAY, datetime(2025, 7, 7, 20, 59, tzinfo=NEW_YORK), None),
        (FRIDAY, datetime(2025, 7, 7, 23, 0, tzinfo=NEW_YORK), due_at(MONDAY)),
        (FRIDAY, datetime(2025, 7, 8, 21, 30, tzinfo=NEW_YORK), due_at(MONDAY)),
        (MONDAY, datetime(2025, 7, 8, 21, 30, tzinfo=NEW_YORK), due_at(TUESDAY)),
        (None, datetime(2025, 7, 8, 21, 30, tzinfo=NEW_YORK), due_at(TUESDAY)),
    ],
)
def test_a_night_is_overdue_since_the_oldest_session_that_waits(
    published: date | None, moment: datetime, since: datetime | None
) -> None:
    assert overdue_since(published, calendar_at(date(2025, 7, 9)), moment) == since


async def test_a_night_that_is_late_shows_for_how_long_and_one_that_is_done_shows_nothing(batch: Any) -> None:
    await batch.run_night_of(MONDAY)
    batch.clock.move_to(due_at(TUESDAY) + timedelta(hours=2, seconds=1))
    await Freshness(batch.engine, batch.clock).measure()
    assert shown("night_published_session_timestamp_seconds") == due_at(MONDAY).timestamp()
    assert shown("night_due_session_timestamp_seconds") == due_at(TUESDAY).timestamp()
    assert shown("night_overdue_seconds") == pytest.approx(7_201, abs=30)
    await batch.run_night_of(TUESDAY)
    await Freshness(batch.engine, batch.clock).measure()
    assert shown("night_published_session_timestamp_seconds") == due_at(TUESDAY).timestamp()
    assert shown("night_overdue_seconds") == 0


async def test_coverage_is_that_of_the_newest_night_that_counted_published_or_not(batch: Any, exchange: Any) -> None:
    async with batch.engine.connect() as connection:
        assert await runs.last_coverage(connection) is None
    await batch.run_night_of(MONDAY)
    await Freshness(batch.engine, batch.clock).measure()
    assert shown("night_coverage_ratio") == 1
    known = exchange.symbols
    exchange.fault(kind="unknown", symbols=[symbol for symbol in known if symbol not in BENCHMARKS])
    assert await batch.run_night_of(TUESDAY) == "failed"
    await Freshness(batch.engine, batch.clock).measure()
    assert shown("night_coverage_ratio") == pytest.approx(len(BENCHMARKS) / len({*known, *BENCHMARKS}), abs=0.02)
