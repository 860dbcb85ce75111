"""Clients that ask analytics all the time, whichever replica, and look at the head themselves before they ask."""

import asyncio
import random
import threading
import time
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg
import httpx

from chaos_story.history import Answered, Claims
from chaos_story.reads import Read
from chaos_story.world import World

CLIENTS = 4
MEASURES = ("overview", "factor-exposures")
HEAD = "SELECT valuation FROM valuations.valuation_heads WHERE portfolio_id = $1"


@dataclass
class _Look:
    """A client's own connection to the database, made anew when it breaks."""

    dsn: str
    connection: asyncpg.Connection | None = None

    async def head(self, portfolio: UUID) -> int | None:
        """The committed valuation; None also while the database is away."""
        try:
            if self.connection is None or self.connection.is_closed():
                self.connection = await asyncpg.connect(self.dsn, timeout=2)
            head: int | None = await self.connection.fetchval(HEAD, portfolio, timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self.connection = None
            return None
        return head


class Readers:
    """A thread of clients, from the moment it is entered to the moment it is left."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._headers = world.bearer()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        if self._error is not None:
            self._world.history.accident(f"the readers gave up: {self._error!r}")

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:  # nobody waits for a thread's error; the checker must see it
            self._error = error

    async def _all(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        dice = random.Random(f"client {number} {self._seed}")
        look = _Look(self._world.system.database.superuser_dsn)
        async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
            while not self._stop.is_set():
                chosen = self._world.history.portfolio(dice.randrange(1_000_000))
                # Some questions about one portfolio, as people ask them: a fold between two of them shows.
                for _ in range(dice.randint(1, 12)):
                    if chosen is None or self._stop.is_set():
                        break
                    await self._question(client, number, dice, look, chosen)
                    await asyncio.sleep(dice.uniform(0.02, 0.1))
                await asyncio.sleep(0.02)

    async def _question(
        self,
        client: httpx.AsyncClient,
        number: int,
        dice: random.Random,
        look: _Look,
        chosen: tuple[UUID, str],
    ) -> None:
        portfolio, owner = chosen
        url, measure = dice.choice(self._world.analytics()), dice.choice(MEASURES)
        head = await look.head(portfolio)
        asked_at = time.monotonic()
        answer = await _asked(client, f"{url}/api/v1/analytics/portfolio/{portfolio}/{measure}", self._headers[owner])
        self._world.history.answered(_noted(number, portfolio, head, measure, asked_at, answer))


async def _asked(client: httpx.AsyncClient, address: str, headers: dict[str, str]) -> httpx.Response | None:
    try:
        return await client.get(address, headers=headers)
    except httpx.TransportError:
        return None


def _noted(
    client: int, portfolio: UUID, head: int | None, measure: str, asked_at: float, answer: httpx.Response | None
) -> Answered:
    body: dict[str, Any] = answer.json() if answer is not None and answer.status_code == 200 else {}
    return Answered(
        Read(client, portfolio, head, body.get("valuation")),
        measure,
        asked_at,
        time.monotonic(),
        None if answer is None else answer.status_code,
        answer is not None and "retry-after" in answer.headers,
        _claims(body) if body else None,
    )


def _claims(body: dict[str, Any]) -> Claims:
    return Claims(
        body["portfolio_version"],
        body["edition"],
        date.fromisoformat(body["as_of"]),
        body["data"].get("nav"),
        body["pending"],
    )
