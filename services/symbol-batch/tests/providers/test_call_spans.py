"""What a provider is asked is a span of the trace that asks, which tells outcomes and nothing secret."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from rehearsal.spans import Kept, kept_spans
from riskstream.runtime import tracing
from symbol_batch.providers.chain import Chain
from symbol_batch.providers.provider import BarsAnswer, LimitedProvider, Offer, Outcome

DAY = date(2025, 7, 7)


class Answering(LimitedProvider):
    offers = frozenset({Offer.SESSION, Offer.HISTORY})

    def __init__(self, name: str, *outcomes: Outcome) -> None:
        self.name = name
        self.outcomes = outcomes

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        return [
            BarsAnswer(symbol=symbol, outcome=outcome, source=self.name, detail="https://p.example?key=secret")
            for symbol, outcome in zip(symbols, self.outcomes, strict=True)
        ]

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        return (await self.session_bars([symbol], [start]))[0]


@pytest.fixture
def told() -> Iterator[Kept]:
    with kept_spans() as kept:
        yield kept


def test_each_provider_of_the_chain_has_a_span_with_how_many_symbols_it_was_asked_and_what_came_of_them(told):
    chain = Chain([Answering("first", Outcome.OK, Outcome.RATE_LIMITED), Answering("second", Outcome.TRANSPORT)])
    with tracing.span("night"):
        asyncio.run(chain.session_bars(["A", "B"], [DAY]))

    first, second, night = told.all()
    assert [first.name, second.name] == ["session_bars first", "session_bars second"]
    assert first.kind is SpanKind.CLIENT
    assert first.parent.span_id == night.context.span_id
    assert first.attributes == {
        "riskstream.provider": "first",
        "riskstream.symbols": 2,
        "riskstream.outcome.ok": 1,
        "riskstream.outcome.rate_limited": 1,
    }
    assert first.status.status_code is StatusCode.UNSET
    assert second.status.status_code is StatusCode.ERROR
    assert second.attributes["error.type"] == "TRANSPORT"
    assert "secret" not in first.to_json() + second.to_json()


def test_a_question_that_is_part_of_no_trace_has_no_span(told):
    asyncio.run(Chain([Answering("first", Outcome.OK)]).history("A", DAY))
    assert told.all() == []
