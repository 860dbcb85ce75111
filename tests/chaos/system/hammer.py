"""People who ask all the time, whatever happens to the servers, and keep count of how they were answered."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from local_stack.system import System

OWNER = "alice"
MEASURES = ("overview", "factor-exposures")
SLOWEST = 15.0
"""Seconds after which an answer counts as none."""


@dataclass
class Tally:
    """Answers by kind, and what must not be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    overviews: list[tuple[str, str, int, float]] = field(default_factory=list)
    """(portfolio, session, valuation, NAV) of every overview."""
    created: dict[str, str] = field(default_factory=dict)
    """Portfolio by idempotency key, of creations that were answered."""
    attempted: set[str] = field(default_factory=set)


class Hammer:
    """Asks analytics and onboarding in two threads, and creates a portfolio every second, until it is left.

    Every answer is the right one, or 503 with Retry-After, or (a portfolio just created) 409 with Retry-After; anything
    else is noted in `tally.wrong`. An answer must not belong to an older valuation than the head had before the
    question was sent. While a service is in `restarting` it may also refuse the connection.
    """

    def __init__(self, system: System, head: Callable[[str], int | None], portfolios: list[str], symbol: str) -> None:
        """`head` gives a portfolio's valuation, or None where it cannot be known now."""
        self._system = system
        self._head = head
        self._portfolios = portfolios
        self._symbol = symbol
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=[work], daemon=True) for work in (self._ask, self._create)
        ]
        self._token = {"Authorization": f"Bearer {system.issuer.token(OWNER)}"}
        self.restarting: set[str] = set()
        self.tally = Tally()

    def __enter__(self) -> "Hammer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * SLOWEST)
            assert not thread.is_alive(), "a request hangs"

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.tally.wrong.append(f"the test's own thread ended: {error!r}")
            raise

    def _ask(self) -> None:
        turn = 0
        with self._client() as client:
            while not self._stop.wait(0.03):
                portfolio = self._portfolios[turn % len(self._portfolios)]
                turn += 1
                for measure in MEASURES:
                    self._ask_analytics(client, portfolio, measure)
                self._send(client, "onboarding", "GET", f"/portfolios/{portfolio}/status", {200})

    def _ask_analytics(self, client: httpx.Client, portfolio: str, measure: str) -> None:
        head = self._head(portfolio)
        answer = self._send(client, "analytics", "GET", f"/api/v1/analytics/portfolio/{portfolio}/{measure}", {200})
        if answer is None or answer.status_code != 200:
            return
        body = answer.json()
        if head is not None and body["valuation"] < head:
            self.tally.wrong.append(f"{measure} of {portfolio} at valuation {body['valuation']}, the head had {head}")
        if measure == "overview":
            self.tally.overviews.append((portfolio, body["as_of"], body["valuation"], body["data"]["nav"]))

    def _create(self) -> None:
        with self._client() as client:
            while not self._stop.wait(1.0):
                self._create_one(client, uuid4().hex)

    def _create_one(self, client: httpx.Client, key: str) -> None:
        """Send the same creation until it is answered with a portfolio; given up only at the end of the story."""
        lot = {"symbol": self._symbol, "quantity": "1", "entry_price": "10", "entry_date": "2026-02-02"}
        body = {"name": key, "positions": [lot]}
        self.tally.attempted.add(key)
        while key not in self.tally.created:
            answer = self._send(
                client, "onboarding", "POST", "/portfolios", {200, 201}, json=body, headers={"Idempotency-Key": key}
            )
            if answer is not None and answer.status_code in {200, 201}:
                self.tally.created[key] = answer.json()["portfolio_id"]
            elif self._stop.wait(0.3):
                return

    def _send(
        self, client: httpx.Client, service: str, method: str, path: str, good: set[int], **more: Any
    ) -> httpx.Response | None:
        url = getattr(self._system, service).url + path
        began = time.monotonic()
        try:
            answer = client.request(method, url, **more)
        except httpx.TransportError as error:
            kind = f"{service} {type(error).__name__}"
            self.tally.counts[kind] += 1
            if service not in self.restarting:
                self.tally.wrong.append(f"{method} {path}: {error!r} after {time.monotonic() - began:.1f} s")
            return None
        self.tally.counts[f"{service} {answer.status_code}"] += 1
        if answer.status_code not in good and not _is_later(answer):
            self.tally.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def _client(self) -> httpx.Client:
        return httpx.Client(headers=self._token, timeout=SLOWEST, trust_env=False)


def _is_later(answer: httpx.Response) -> bool:
    """Told to come again, in the one form that errors have."""
    if answer.status_code not in {503, 409} or not answer.headers.get("Retry-After", "").isdigit():
        return False
    if answer.headers.get("Content-Type") != "application/problem+json":
        return False
    return answer.status_code == 503 or json.loads(answer.text)["code"] == "not_valued_yet"


class HeadReader:
    """Reads a portfolio's valuation as the superuser, from one thread; None while Postgres is away."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection | None = None

    def __call__(self, portfolio: str) -> int | None:
        try:
            return self._loop.run_until_complete(asyncio.wait_for(self._read(portfolio), 2))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            # Whatever is left of it must not be used again.
            self._connection = None
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._loop.close()

    async def _read(self, portfolio: str) -> int | None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._dsn)
        heads = "SELECT valuation FROM valuations.valuation_heads WHERE portfolio_id = $1::text::uuid"
        valuation: int | None = await self._connection.fetchval(heads, portfolio)
        return valuation
