"""What is sent about lots, flows and prices, judged: all that is wrong with a body comes back at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from fastapi import Request

from onboarding.api.answers import MOST_FINDINGS, field_finding, position_finding
from onboarding.api.bodies import read_json, read_limited
from onboarding.api.details import Details
from onboarding.imports.cells import PRICE_PLACES, QUANTITY_PLACES
from onboarding.imports.export import as_positions
from onboarding.imports.findings import Field, Finding
from onboarding.imports.flow import CashFlow, FlowKind
from onboarding.imports.lot import Lot
from onboarding.imports.movements import AMOUNT_PLACES
from onboarding.imports.rows import Row, Validated, check_row, validate
from onboarding.ledger import LotChange
from onboarding.ledger.described import as_text
from onboarding.portfolios import Description
from riskstream.runtime.problems import Problem

FLOW_FIELDS = ("kind", "amount", "date", "currency", "note")
CLOSE_FIELDS = ("exit_date", "exit_price", "quantity", "exit_fee", "currency")


@dataclass(frozen=True, slots=True)
class Closing:
    """How a lot is to be closed: its exit, and how many shares as of that day; null is all."""

    change: LotChange
    quantity: Decimal | None


def description_of(document: Mapping[str, Any]) -> Description:
    """A body with a portfolio's name, its declared equity, or both; a Problem (422) with all errors."""
    details = Details(document)
    details.only(("name", "declared_equity", "first_session"))
    if "first_session" in document:
        message = "The first session of a portfolio is fixed. To begin on another, create a new one."
        details.refuse("first_session", "first_session_fixed", message, document["first_session"])
    if not document:
        details.refuse("portfolio", "nothing_to_change", "Send a name, a declared_equity, or both.")
    name = details.name() if "name" in document else None
    equity = details.declared_equity()
    refuse(details.errors)
    return Description(name=name, declared_equity=equity, redeclares="declared_equity" in document)


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """The body, which must be a JSON object of at most `limit` bytes."""
    document = read_json(await read_limited(request, limit))
    if not isinstance(document, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "body_unreadable", "The body must be a JSON object.")
    return document


def new_lots(document: Mapping[str, Any], most: int, today: date) -> Validated:
    """The lots of a body `{"lots": [...]}`; a Problem (422) with all errors where there is any."""
    details = Details(document)
    details.only(("lots",))
    validated = validate(details.rows("lots", most), today)
    if document.get("lots") == []:
        details.refuse("lots", "lots_missing", "Send at least one lot.")
    refuse([*details.errors, *(position_finding(finding) for finding in validated.errors)])
    return validated


def lot_change(sent: Mapping[str, Any], today: date) -> LotChange:
    """The lot as it is with what is sent in its place; null clears a field, and of the exit's date the whole exit.

    Every rule about a position is applied to the outcome: a Problem (422) with all errors.
    """
    details = Details({"lots": [sent]})
    details.rows("lots", 1)
    refuse([_without_index(error) for error in details.errors])
    if not sent:
        refuse([Details.error("lot", "nothing_to_change", "Send at least one field of the lot.")])

    def changed(lot: Lot) -> tuple[Lot, Sequence[Finding]]:
        cells = {Field(name): text for name, text in as_positions([lot])[0].items()}
        if "exit_date" in sent and sent["exit_date"] is None:
            cells.pop(Field.EXIT_PRICE, None)
            cells.pop(Field.EXIT_FEE, None)
        for name, value in sent.items():
            cells[Field(name)] = "" if value is None else value
        checked = check_row(Row(0, cells), today)
        refuse([field_finding(finding) for finding in checked.errors])
        assert checked.lot is not None, "without errors there is a lot"
        return checked.lot, checked.warnings

    return changed


def closing(document: Mapping[str, Any], today: date) -> Closing:
    """A body with exit_date, exit_price, and optionally exit_fee and quantity; a Problem (422) with all errors."""
    details = Details(document)
    details.only(CLOSE_FIELDS)
    quantity = details.positive("quantity", QUANTITY_PLACES) if "quantity" in document else None
    for name in ("exit_date", "exit_price"):
        if document.get(name) is None:
            code = "date_missing" if name == "exit_date" else "price_missing"
            details.refuse(name, code, f"A close needs its {name}.")
    known = {name: value for name, value in document.items() if name in CLOSE_FIELDS and name != "quantity"}
    exit_ = Details({"lots": [known]})
    exit_.rows("lots", 1)
    refuse([*details.errors, *(_without_index(error) for error in exit_.errors)])
    return Closing(lot_change(known, today), quantity)


def new_flow(document: Mapping[str, Any], today: date) -> CashFlow:
    """A body of a flow; a Problem (422) with all errors where there is any."""
    details = Details(document)
    flow = read_flow(details, today)
    refuse(details.errors)
    assert flow is not None, "without errors there is a flow"
    return flow


def read_flow(details: Details, today: date) -> CashFlow | None:
    """The flow; null where there are errors, which are in `details`."""
    details.only(FLOW_FIELDS)
    kind = details.choice("kind", tuple(FlowKind))
    amount = details.positive("amount", AMOUNT_PLACES)
    day = details.past_day("date", today)
    note = details.note("note")
    details.only_usd("currency")
    if details.errors:
        return None
    assert kind
    assert amount
    assert day
    signed = amount if kind == FlowKind.DEPOSIT else -amount
    return CashFlow(kind=FlowKind(kind), amount=signed, day=day, note=note)


def flow_change(sent: Mapping[str, Any], today: date) -> Callable[[CashFlow], CashFlow]:
    """The flow as it is with what is sent in its place; a Problem (422) with all errors."""
    if not sent:
        refuse([Details.error("cash_flow", "nothing_to_change", "Send at least one field of the cash flow.")])

    def changed(flow: CashFlow) -> CashFlow:
        as_sent = {
            "kind": str(flow.kind),
            "amount": as_text(abs(flow.amount)),
            "date": flow.day.isoformat(),
            "note": flow.note,
        }
        return new_flow(as_sent | dict(sent), today)

    return changed


def price_of(document: Mapping[str, Any]) -> Decimal:
    """A body `{"price": …}`, at least 0; a Problem (422) with all errors."""
    details = Details(document)
    details.only(("price", "currency"))
    price = details.positive("price", PRICE_PLACES, zero=True)
    details.only_usd("currency")
    refuse(details.errors)
    assert price is not None
    return price


def price_day(day: str, today: date) -> date:
    """The date of an address; a Problem (422) for one that is none, or not yet."""
    details = Details({"date": day})
    found = details.past_day("date", today)
    refuse(details.errors)
    assert found
    return found


def refuse(errors: Sequence[Mapping[str, Any]]) -> None:
    """Raise a Problem (422) that lists `errors`, if there are any."""
    if errors:
        count = len(errors)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            str(errors[0]["code"]) if count == 1 else "body_invalid",
            f"{count:,} {'error' if count == 1 else 'errors'}; nothing was stored.",
            errors=errors[:MOST_FINDINGS],
        )


def _without_index(error: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in error.items() if name != "index"}
