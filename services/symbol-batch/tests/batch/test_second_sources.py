"""Another provider is asked about bars that would be held back."""

from dataclasses import replace
from datetime import date

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)


class SecondSource:
    """Another provider of the same market: asks the first one, under a name of its own."""

    name = "second"

    def __init__(self, provider) -> None:
        self._provider = provider
        self.offers = provider.offers
        self.asked: list[str] = []

    async def session_bars(self, symbols, sessions):
        self.asked += symbols
        return [replace(answer, source=self.name) for answer in await self._provider.session_bars(symbols, sessions)]

    async def history(self, symbol, start):
        self.asked.append(symbol)
        return replace(await self._provider.history(symbol, start), source=self.name)


@pytest.mark.parametrize(("factor", "rule"), [(0.5, "jump"), (1.3, "cross section")])
async def test_a_second_source_that_agrees_releases_a_bar_at_once(
    replica, exchange, company, factor: float, rule: str
) -> None:
    first = replica()
    second = SecondSource(first.provider)
    batch = replica(second_sources=[second])
    await batch.add(exchange.symbols)
    await batch.run_night_of(MONDAY)
    assert second.asked == []
    exchange.scale(company, factor, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "completed"
    assert second.asked == [company]
    assert await batch.close_of(company, TUESDAY) is not None
    row = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert (row["state"], row["decided_by"], row["rule"]) == ("confirmed", "second", rule)
    assert {carried for _, carried in (await batch.betas(company, 2)).values()} == {None}


async def test_a_second_source_that_says_otherwise_leaves_the_bar_held(replica, exchange, company) -> None:
    class Contrary(SecondSource):
        async def session_bars(self, symbols, sessions):
            answers = await super().session_bars(symbols, sessions)
            return [replace(answer, bars=replace(answer.bars, close=answer.bars.close * 1.01)) for answer in answers]

    batch = replica(second_sources=[Contrary(replica().provider)])
    await batch.add(exchange.symbols)
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    assert await batch.held_state(company, TUESDAY) == "pending"
