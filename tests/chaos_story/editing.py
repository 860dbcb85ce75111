"""Changes what is in portfolios, as a person does who sends the same request again until it is answered."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx

from chaos_story.history import Edited
from chaos_story.plan import Edit, EditKind
from chaos_story.world import FIRST_NIGHT, World

ACTIONS: Mapping[EditKind, str] = {
    "add lot": "lot.create",
    "change lot": "lot.edit",
    "close lot": "lot.close",
    "close part": "lot.close",
    "remove lot": "lot.delete",
    "deposit": "cash_flow.create",
    "withdraw": "cash_flow.create",
    "fee": "cash_flow.create",
    "price": "price.set",
}
"""What the change log calls it."""

FLOWS: Mapping[EditKind, str] = {"deposit": "deposit", "withdraw": "withdrawal", "fee": "fee"}

RIGHTLY_REFUSED = {"withdrawal_exceeds_nav", "flow_before_first_session", "quantity_exceeds_held"}
"""Of what the generator, which knows no portfolio, could not know."""
GONE = {"no_such_portfolio", "created_and_deleted"}
MADE_BEFORE = {"precondition_failed", "no_such_lot"}
"""Of what is sent again after an answer that was lost: the lot is not any more as it was seen."""

GIVES_UP_AFTER = 60.0

Ask = Callable[..., httpx.Response | None]
"""Method, path, headers, and `json` for the body; None where the connection broke."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent for an edit. With a key it may be sent twice; what was seen makes it good for one version only."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    seen: Mapping[str, str] = field(default_factory=dict)
    """The precondition: what was there, or that nothing was."""
    is_keyed: bool = False

    def headers(self, key: str) -> dict[str, str]:
        return {**self.seen, **({"Idempotency-Key": key} if self.is_keyed else {})}


@dataclass
class Editor:
    """Does each planned edit and writes down what came of it."""

    world: World
    ask: Ask
    stop: threading.Event
    bearer: Mapping[str, Mapping[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.bearer = self.world.bearer()

    def do(self, asked: Edit) -> None:
        """The edit, sent until its outcome is known or too much time has passed; nothing where there is no such lot."""
        chosen = self.world.history.portfolio(asked.which)
        if chosen is None:
            return
        portfolio, owner = chosen
        request = self._request(asked, f"/portfolios/{portfolio}", self.bearer[owner])
        if request is None:
            return
        edited = Edited(f"edit-{asked.number}", portfolio, owner, ACTIONS[asked.kind], time.monotonic())
        self.world.history.edits.append(edited)
        for _ in range(2 if asked.sent_twice and request.is_keyed else 1):
            self._send(edited, request)

    def _send(self, edited: Edited, request: Request) -> None:
        deadline = time.monotonic() + GIVES_UP_AFTER
        headers = {**self.bearer[edited.owner], **request.headers(edited.key)}
        while time.monotonic() < deadline:
            answer = self.ask(request.method, request.path, headers, json=request.body)
            edited.statuses.append(None if answer is None else answer.status_code)
            if answer is not None and answer.status_code != 503:
                self._note(edited, answer)
                return
            self.stop.wait(0.5)

    def _note(self, edited: Edited, answer: httpx.Response) -> None:
        body = answer.json()
        if answer.is_success:
            edited.versions.add(body["version"])
            edited.ready = edited.ready or body["status"] == "ready"
            edited.done_at = edited.done_at or time.monotonic()
            return
        codes = {body["code"], *(error["code"] for error in body.get("errors", ()))}
        deleted = edited.portfolio in {deletion.portfolio for deletion in self.world.history.deletions}
        if codes & RIGHTLY_REFUSED or (codes & GONE and deleted):
            edited.refused = not edited.versions
        elif not (codes & MADE_BEFORE and len(edited.statuses) > 1):
            self.world.history.accident(f"{edited.key}, {edited.action}: {answer.status_code} {answer.text[:300]}")

    def _request(self, asked: Edit, address: str, bearer: Mapping[str, str]) -> Request | None:
        day = str(self._day(asked.sessions_back))
        if asked.kind == "add lot":
            return Request("POST", f"{address}/lots", {"lots": [self._lot(asked)]}, is_keyed=True)
        if asked.kind in FLOWS:
            flow = {"kind": FLOWS[asked.kind], "amount": str(asked.amount), "date": day}
            return Request("POST", f"{address}/cash-flows", flow, is_keyed=True)
        lot = self._chosen(asked, address, bearer)
        if lot is None:
            return None
        at, seen = f"{address}/lots/{lot['position_id']}", {"If-Match": lot["etag"]}
        exited = {"exit_date": max(day, lot["entry_date"]), "exit_price": str(asked.amount), "exit_fee": "1.25"}
        match asked.kind:
            case "price":
                return self._price(asked, f"{at}/prices/{day}", bearer)
            case "change lot":
                return Request("PATCH", at, {"quantity": str(asked.quantity), "entry_fee": "2.5"}, seen)
            case "remove lot":
                return Request("DELETE", at, None, seen)
            case "close lot":
                return Request("POST", f"{at}/close", exited, seen, is_keyed=True)
            case _:
                part = {"quantity": str(abs(float(lot["quantity"])) / 4)}
                return Request("POST", f"{at}/close", exited | part, seen, is_keyed=True)

    def _price(self, asked: Edit, address: str, bearer: Mapping[str, str]) -> Request | None:
        """The day's first price, or another in the place of the one that is there."""
        found = self.ask("GET", address, bearer)
        if found is None or not (found.is_success or found.status_code == 404):
            return None
        seen = {"If-Match": found.headers["etag"]} if found.is_success else {"If-None-Match": "*"}
        return Request("PUT", address, {"price": str(asked.amount)}, seen)

    def _chosen(self, asked: Edit, address: str, bearer: Mapping[str, str]) -> dict[str, Any] | None:
        """The lot of this number, of those that the edit can be done to, with its ETag."""
        listed = self.ask("GET", f"{address}/lots?limit=200", bearer)
        lots = [] if listed is None or not listed.is_success else listed.json()["lots"]
        fitting = [lot for lot in lots if _fits(asked.kind, lot)]
        if not fitting:
            return None
        lot: dict[str, Any] = fitting[asked.lot % len(fitting)]
        found = self.ask("GET", f"{address}/lots/{lot['position_id']}", bearer)
        return None if found is None or not found.is_success else lot | {"etag": found.headers["etag"]}

    def _lot(self, asked: Edit) -> dict[str, str]:
        symbols: Sequence[str] = self.world.strangers if asked.symbol % 7 == 0 else self.world.known
        return {
            "symbol": symbols[asked.symbol % len(symbols)],
            "quantity": str(asked.quantity),
            "entry_price": "60",
            "entry_date": str(self._day(asked.sessions_back + 1)),
            "entry_fee": "0.75",
        }

    def _day(self, back: int) -> date:
        """Counted from the first night, which every program knows to be over."""
        sessions = self.world.sessions
        return sessions[sessions.index(FIRST_NIGHT) - back]


def _fits(kind: EditKind, lot: Mapping[str, Any]) -> bool:
    if kind == "price":
        return bool(lot["investment_class"] == "PRIVATE" and lot["exit_date"] is None)
    return kind == "remove lot" or lot["exit_date"] is None
