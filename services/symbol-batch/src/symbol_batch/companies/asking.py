"""Asking a provider about many companies: a chunk at a time, within a time, and not on against a refusal."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from symbol_batch.providers.provider import Answer

REFUSALS = 20
"""Refusals in a row after which nobody else is asked about: more would keep the refusal up."""

Reply = TypeVar("Reply", bound=Answer)

log = structlog.get_logger(__name__)


class Asking(Generic[Reply]):
    """One pass over `symbols`. How many are in flight is the provider's business, `ask` its method.

    After `chunks` has ended `outcomes` counts what was answered, and `ended` says why not all were, if so.
    """

    def __init__(
        self, symbols: Sequence[str], ask: Callable[[str], Awaitable[Reply]], *, chunk: int, seconds: float
    ) -> None:
        self._symbols = symbols
        self._ask = ask
        self._chunk = chunk
        self._seconds = seconds
        self._refusals = 0
        self.outcomes: Counter[str] = Counter()
        self.ended: str | None = None

    async def chunks(self) -> AsyncIterator[list[Reply]]:
        """The answers, as many at a time as a chunk has. What is in flight when the time is over is given up."""
        until = time.monotonic() + self._seconds
        for begin in range(0, len(self._symbols), self._chunk):
            answers = await self._answers(self._symbols[begin : begin + self._chunk], until)
            self.outcomes.update(str(answer.outcome) for answer in answers)
            if answers:
                yield answers
            if self.ended is not None:
                return

    async def _answers(self, symbols: Sequence[str], until: float) -> list[Reply]:
        asked = [asyncio.ensure_future(self._ask(symbol)) for symbol in symbols]
        answers: list[Reply] = []
        try:
            async with asyncio.timeout(max(until - time.monotonic(), 0)):
                for answered in asyncio.as_completed(asked):
                    try:
                        answers.append(await answered)
                    except Exception:  # a fault of the provider's code, met in one company's answer
                        log.exception("asking about a company broke off")
                        self.outcomes["ERROR"] += 1
                        continue
                    self._refusals = self._refusals + 1 if answers[-1].outcome.is_refusal else 0
                    if self._refusals >= REFUSALS:
                        self.ended = f"refused {REFUSALS} times in a row: {answers[-1].detail}"
                        break
        except TimeoutError:
            self.ended = f"the {self._seconds:g} s for it were over"
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return answers
