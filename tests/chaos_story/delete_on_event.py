"""analytics with the usual cache: an answer is kept by portfolio and question, and deleted when an event says so.

Only for the test that shows what this is worth: `python -m chaos_story.delete_on_event` is otherwise the very process.
"""

from typing import Any
from uuid import UUID

from analytics import main
from analytics.answers import Answers, Served
from analytics.cache.answer import Key, Question
from analytics.past import NOTHING_WANTED
from analytics.portfolios import Read

ANY = 0
"""Stands where a key names its valuation and edition."""


class BelievingAnswers(Answers):
    """Believes that whatever is still there is right."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._identities: set[str] = set()

    async def answer(self, owner: str, portfolio: UUID, question: Question) -> Served:
        self._identities.add(question.identity)
        key = Key(portfolio, ANY, ANY, question.identity, self._lineage.name)

        async def read() -> tuple[Key, Read]:
            return key, await self._portfolios.read(owner, portfolio, lambda _: NOTHING_WANTED)

        answer, layer = await self._answer(key, question, read)
        return await self._served(answer, layer, pending=False)

    async def drop_older(self, portfolio: UUID, valuation: int) -> None:
        self._process.drop_older(portfolio, valuation)
        await self._redis.drop(
            [Key(portfolio, ANY, ANY, identity, self._lineage.name) for identity in self._identities]
        )


if __name__ == "__main__":
    setattr(main, "Answers", BelievingAnswers)  # noqa: B010  # where the process is wired, and nowhere else
    main.main(["serve"])
