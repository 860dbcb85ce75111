"""analytics with the usual cache: an answer is kept by portfolio and question, and deleted when an event says so.

Only for the test that shows what this is worth: `python -m chaos_story.delete_on_event` is otherwise the very process.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from analytics import main
from analytics.answers import Answers, Layer, Served
from analytics.cache.answer import Answer, Key, Question
from analytics.heads import Head

ANY = 0
"""Stands where a key names its valuation and edition."""


class BelievingAnswers(Answers):
    """Believes that whatever is still there is right."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._identities: set[str] = set()

    async def answer(self, owner: str, portfolio: UUID, question: Question) -> Served:
        self._identities.add(question.identity)
        key = Key(portfolio, ANY, ANY, question.identity)
        layer: Layer = "process"
        answer = self._process.get(key)
        if answer is None:
            answer, layer = await self._flights.join(key, lambda: self._fetch(owner, key, question))
        version = answer.portfolio_version
        return await self._served(answer, layer, Head(ANY, version, ANY, answer.session, version))

    async def drop_older(self, portfolio: UUID, valuation: int) -> None:
        self._process.drop_older(portfolio, valuation)
        await self._redis.drop([Key(portfolio, ANY, ANY, identity) for identity in self._identities])

    async def _compute(self, owner: str, portfolio: UUID, question: Question) -> Answer:
        answer = await super()._compute(owner, portfolio, question)
        return replace(answer, key=Key(portfolio, ANY, ANY, question.identity))


if __name__ == "__main__":
    setattr(main, "Answers", BelievingAnswers)  # noqa: B010  # where the process is wired, and nowhere else
    main.main(["serve"])
