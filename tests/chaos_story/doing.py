"""Does each planned operation and writes down what came of it."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID

import httpx

from chaos_story.editing import Editor
from chaos_story.history import Creation, Deletion
from chaos_story.plan import Create, Delete, Edit, Night, Operation, SecondRun, Wait
from chaos_story.world import FIRST_NIGHT, OWNERS, World
from local_stack.programs import SymbolBatch

CORRECTION = 1.03
"""Within what a price may do in a day: it is believed."""

PRIVATE = {
    "symbol": "HOUSE",
    "quantity": "1",
    "entry_price": "20000",
    "entry_date": "2026-02-02",
    "investment_class": "PRIVATE",
}

GIVES_UP_AFTER = 60.0
"""Seconds that a person sends the same request again and again."""


class Doer:
    """One person at a time who creates, edits and deletes, and time that passes."""

    def __init__(self, world: World, stop: threading.Event) -> None:
        self._world = world
        self._stop = stop
        self._headers = world.bearer()
        self._client = httpx.Client(timeout=20, trust_env=False)
        self._editor = Editor(world, self._ask, stop)
        self._time = ThreadPoolExecutor(1)
        self._passing: Future[None] | None = None

    def close(self) -> None:
        """Wait for a night under way."""
        self._night_over()
        self._time.shutdown()
        self._client.close()

    def do(self, operation: Operation) -> None:
        match operation:
            case Create():
                self._create(operation)
            case Edit():
                self._editor.do(operation)
            case Delete(which):
                self._delete(which)
            case Night():
                # Beside what people do: a rolling restart takes long.
                self._night_over()
                self._passing = self._time.submit(self._night, operation)
            case SecondRun():
                self._world.system.command(SymbolBatch, "symbol_batch", "reconcile")
            case Wait(seconds):
                self._stop.wait(seconds)

    def _create(self, asked: Create) -> None:
        symbols = self._symbols(asked)
        owner = OWNERS[asked.owner]
        creation = Creation(key=f"creation-{asked.number}", owner=owner, symbols=tuple(symbols))
        self._world.history.creations.append(creation)
        body = self._body(asked, symbols)
        headers = self._headers[owner] | {"Idempotency-Key": creation.key}
        deadline = time.monotonic() + GIVES_UP_AFTER
        portfolio = self._sent(creation, body, headers, deadline)
        if portfolio is not None and asked.sent_twice:
            self._sent(creation, body, headers, deadline)
        if portfolio is not None:
            self._world.history.created(portfolio, owner)

    def _sent(self, creation: Creation, body: dict[str, Any], headers: dict[str, str], deadline: float) -> UUID | None:
        while time.monotonic() < deadline:
            answer = self._ask("POST", "/portfolios", headers, json=body)
            creation.statuses.append(None if answer is None else answer.status_code)
            if answer is not None and answer.status_code in (200, 201):
                portfolio = UUID(answer.json()["portfolio_id"])
                creation.ids.add(portfolio)
                return portfolio
            if answer is not None and answer.status_code != 503:
                self._world.history.accident(f"{creation.key}: {answer.status_code} {answer.text[:300]}")
                return None
            self._stop.wait(0.5)
        return None

    def _delete(self, which: int) -> None:
        chosen = self._world.history.portfolio(which)
        if chosen is None:
            return
        portfolio, owner = chosen
        deletion = Deletion(portfolio, owner, time.monotonic())
        self._world.history.deletions.append(deletion)
        deadline = time.monotonic() + GIVES_UP_AFTER
        while time.monotonic() < deadline:
            answer = self._ask("DELETE", f"/portfolios/{portfolio}", self._headers[owner] | {"If-Match": "*"})
            deletion.statuses.append(None if answer is None else answer.status_code)
            if answer is not None and answer.status_code in (204, 404):
                deletion.done_at = time.monotonic()
                return
            if answer is not None and answer.status_code != 503:
                self._world.history.accident(f"deleting {portfolio}: {answer.status_code} {answer.text[:300]}")
                return
            self._stop.wait(0.5)

    def _ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> httpx.Response | None:
        try:
            answer = self._client.request(method, self._world.system.onboarding.url + path, headers=headers, **more)
        except httpx.TransportError:
            return None
        if answer.status_code == 503 and "retry-after" not in answer.headers:
            self._world.history.accident(f"{method} {path}: 503 without Retry-After: {answer.text[:300]}")
        return answer

    def _symbols(self, asked: Create) -> list[str]:
        known, strangers = self._world.known, self._world.strangers
        symbols = [known[number % len(known)] for number in asked.symbols]
        if asked.stranger is not None:
            symbols.append(strangers[asked.stranger % len(strangers)])
        if asked.nonexistent:
            symbols.append(f"NOSUCH{asked.number % 3}")
        return symbols

    def _body(self, asked: Create, symbols: list[str]) -> dict[str, Any]:
        quantities = [*asked.quantities, 3, 3]
        lots = [
            {"symbol": symbol, "quantity": str(quantity), "entry_price": "50", "entry_date": "2026-02-02"}
            for symbol, quantity in zip(symbols, quantities, strict=False)
        ]
        if asked.private:
            lots.append(PRIVATE)
        body: dict[str, Any] = {"name": f"number {asked.number}", "positions": lots}
        if asked.declared_equity is not None:
            body["declared_equity"] = str(asked.declared_equity)
        if asked.sessions_back:
            body["first_session"] = str(self._sessions_before(asked.sessions_back))
        return body

    def _sessions_before(self, back: int) -> date:
        sessions = self._world.sessions
        # Counted from the first night: of a later one nobody can say here whether it has been published.
        return sessions[sessions.index(FIRST_NIGHT) - back]

    def _night_over(self) -> None:
        if self._passing is not None:
            self._passing.result()
            self._passing = None

    def _night(self, night: Night) -> None:
        world = self._world
        try:
            world.system.set_clock(world.next_clock())
            self._start_again("market-simulator")
            self._correct(*night.correction)
            with ThreadPoolExecutor(2) as hands:
                list(hands.map(self._start_again, night.order))
        except Exception as error:  # nobody waits for this thread's error; the checker must see it
            world.history.accident(f"{night} failed: {error!r}")

    def _correct(self, symbol: int, back: int) -> None:
        """Change one old close at the source."""
        world = self._world
        day = world.sessions[world.sessions.index(world.session) - back]
        name = world.known[symbol % len(world.known)]
        world.correct({"kind": "scale", "symbols": [name], "sessions": [str(day)], "factor": CORRECTION})

    def _start_again(self, name: str) -> None:
        held = self._world.held[name]
        with held.lock:
            held.server.stop()
            self._world.bring_up(held)
