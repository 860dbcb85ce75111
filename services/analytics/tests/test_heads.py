"""Requests that wait together share a statement, and none is answered by one sent before it came."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from analytics.heads import READS_AT_ONCE, Head, Heads, NotValuedYetError, UnknownPortfolioError


class Registry:
    """A pool whose statements take until they are let through; each sees the valuations of its beginning."""

    def __init__(self) -> None:
        self.valuations: dict[UUID, int | None] = {}
        self.statements: list[list[UUID]] = []
        self.open = asyncio.Event()
        self.error: Exception | None = None

    async def fetch(self, _: str, owners: Sequence[str], portfolios: Sequence[UUID], **_options: float) -> list[Any]:
        self.statements.append(list(portfolios))
        rows = [
            {
                "place": place,
                "current_version": 1,
                "valuation": self.valuations[portfolio],
                "portfolio_version": 1,
                "edition": 1,
                "session": None,
            }
            for place, portfolio in enumerate(portfolios, start=1)
            if portfolio in self.valuations
        ]
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return rows


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def heads(registry: Registry) -> Heads:
    return Heads(registry, timeout=5)  # type: ignore[arg-type]


async def test_requests_of_one_moment_share_a_statement_and_each_hears_its_own(
    heads: Heads, registry: Registry
) -> None:
    portfolios = [uuid4() for _ in range(5)]
    registry.valuations = {portfolio: number for number, portfolio in enumerate(portfolios)}
    registry.open.set()
    found = await asyncio.gather(*(heads.head("ana", portfolio) for portfolio in portfolios))
    assert [head.valuation for head in found] == list(range(5))
    assert registry.statements == [portfolios]


async def test_an_unknown_portfolio_is_unknown_to_its_asker_alone(heads: Heads, registry: Registry) -> None:
    known, unknown = uuid4(), uuid4()
    registry.valuations = {known: 7}
    registry.open.set()
    missing, found = await asyncio.gather(heads.head("ana", unknown), heads.head("ana", known), return_exceptions=True)
    assert isinstance(missing, UnknownPortfolioError)
    assert not isinstance(found, BaseException)
    assert found.valuation == 7


async def test_who_comes_while_statements_are_under_way_is_answered_by_a_later_one(
    heads: Heads, registry: Registry
) -> None:
    portfolio = uuid4()
    registry.valuations = {portfolio: 1}
    early = []
    for _ in range(READS_AT_ONCE):
        early.append(asyncio.create_task(heads.head("ana", portfolio)))
        await asyncio.sleep(0.01)
    registry.valuations[portfolio] = 2
    late = [asyncio.create_task(heads.head("ana", portfolio)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert len(registry.statements) == READS_AT_ONCE
    registry.open.set()
    assert [(await asked).valuation for asked in early] == [1] * READS_AT_ONCE
    assert [(await asked).valuation for asked in late] == [2] * 3
    assert [len(asked) for asked in registry.statements] == [1] * READS_AT_ONCE + [3]


async def test_an_error_reaches_all_who_shared_the_statement_and_none_after_them(
    heads: Heads, registry: Registry
) -> None:
    portfolio = uuid4()
    registry.valuations = {portfolio: 1}
    registry.error = ConnectionError("away")
    registry.open.set()
    ends = await asyncio.gather(*(heads.head("ana", portfolio) for _ in range(3)), return_exceptions=True)
    assert [type(end) for end in ends] == [ConnectionError] * 3
    registry.error = None
    assert (await heads.head("ana", portfolio)).valuation == 1


async def test_who_goes_away_does_not_take_the_head_from_the_others(heads: Heads, registry: Registry) -> None:
    portfolio = uuid4()
    registry.valuations = {portfolio: 1}
    gone, there = (asyncio.create_task(heads.head("ana", portfolio)) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    registry.open.set()
    assert (await there).valuation == 1


async def test_a_postgres_that_hangs_is_waited_for_no_longer_than_the_time_out(registry: Registry) -> None:
    heads = Heads(registry, timeout=0.05)  # type: ignore[arg-type]
    asked = [heads.head("ana", uuid4()) for _ in range(READS_AT_ONCE + 3)]
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(end) for end in ends} == {TimeoutError}
    registry.open.set()
    portfolio = uuid4()
    registry.valuations = {portfolio: 3}
    assert (await heads.head("ana", portfolio)).valuation == 3


async def test_many_heads_are_one_statement_and_each_is_at_its_place(registry: Registry) -> None:
    valued, unvalued, unknown = uuid4(), uuid4(), uuid4()
    registry.valuations = {valued: 7, unvalued: None}
    registry.open.set()
    heads = Heads(registry, timeout=5)  # type: ignore[arg-type]
    first, second, third, again = await heads.many(
        [("ana", unknown), ("ana", valued), ("ana", unvalued), ("bob", valued)]
    )
    assert isinstance(first, UnknownPortfolioError)
    assert isinstance(third, NotValuedYetError)
    assert isinstance(second, Head)
    assert second == again
    assert second.valuation == 7
    assert len(registry.statements) == 1


async def test_many_heads_are_not_waited_for_without_end(registry: Registry) -> None:
    with pytest.raises(TimeoutError):
        await Heads(registry, timeout=0.01).many([("ana", uuid4())])  # type: ignore[arg-type]
