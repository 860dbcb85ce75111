"""A portfolio as JSON describes it: positions with the prices of their owner's, cash flows, and what it is called."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from onboarding.api.answers import position_finding
from onboarding.api.bodies import read_json
from onboarding.api.creations import refuse_fields
from onboarding.api.details import Details
from onboarding.api.keys import canonical
from onboarding.api.ledger_bodies import read_flow
from onboarding.imports.cells import PRICE_PLACES
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.imports.rows import Validated, validate
from onboarding.ledger import price_refusal
from onboarding.portfolios import NewPortfolio
from onboarding.refusals import Refused
from riskstream.runtime.clock import Clock
from riskstream.runtime.problems import Problem

JSON_FIELDS = ("name", "positions", "cash_flows", "declared_equity", "first_session")


def new_portfolio(body: bytes, clock: Clock, most: int) -> tuple[NewPortfolio, Validated, bytes]:
    """The portfolio that a JSON body describes, what was found, and the body in canonical form.

    A Problem (422) with all errors of all parts where there is any; whether flows are after the first session is known
    when it is created.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "body_unreadable", "The body must be a JSON object.")
    details, today = Details(document), clock.today()
    details.only(JSON_FIELDS)
    validated = validate(details.positions(most), today)
    held = dict(zip(validated.places, validated.lots, strict=True))
    new = NewPortfolio(
        name=details.name(),
        lots=validated.lots,
        flows=_flows(details, most, today),
        prices=_prices(details, held, today),
        declared_equity=details.declared_equity(),
        first_session=details.first_session(),
    )
    if document.get("positions") == [] and new.declared_equity is None:
        details.refuse("positions", "positions_missing", "Without positions, declare the equity that is held as cash.")
    details.errors += [position_finding(finding) for finding in validated.errors]
    refuse_fields(details)
    return new, validated, canonical(document)


def _flows(details: Details, most: int, today: date) -> list[CashFlow]:
    sent = details.sent.get("cash_flows")
    if sent is None:
        return []
    if not isinstance(sent, list):
        details.refuse("cash_flows", "cash_flows_invalid", "Send a list of cash flows.", sent)
        return []
    if len(sent) > most:
        details.refuse("cash_flows", "too_many_rows", f"Send at most {most:,} cash flows at once.", len(sent))
        return []
    found = []
    for index, each in enumerate(sent):
        inner = _object(details, index, "cash_flows", each)
        flow = None if inner is None else read_flow(inner, today)
        details.errors += [{"index": index} | error for error in (inner.errors if inner else ())]
        if flow is not None:
            found.append(flow)
    return found


def _prices(details: Details, held: Mapping[int, Lot], today: date) -> list[Mapping[date, Decimal]]:
    """For each lot the prices of its owner's by day."""
    found: dict[int, Mapping[date, Decimal]] = {}
    sent = details.sent.get("positions")
    for index, position in enumerate(sent if isinstance(sent, list) else ()):
        prices = position.get("prices") if isinstance(position, dict) else None
        if prices is not None:
            found[index] = _of_position(details, index, prices, held.get(index), today)
    return [found.get(index, {}) for index in held]


def _of_position(details: Details, index: int, sent: object, lot: Lot | None, today: date) -> Mapping[date, Decimal]:
    if not isinstance(sent, list):
        _refuse(details, index, Details.error("prices", "prices_invalid", "Send a list of prices.", sent))
        return {}
    found: dict[date, Decimal] = {}
    for n, each in enumerate(sent):
        inner = _object(details, index, f"prices[{n}]", each)
        if inner is None:
            continue
        inner.only(("date", "price"))
        day, price = inner.past_day("date", today), inner.positive("price", PRICE_PLACES, zero=True)
        if day in found:
            inner.refuse("date", "price_repeated", "Write one price a day.", day.isoformat())
        refusal = None if day is None or lot is None else price_refusal(lot, day)
        if refusal is not None:
            inner.errors.append(_said(inner, refusal))
        _refuse(details, index, *(error | {"field": f"prices[{n}].{error['field']}"} for error in inner.errors))
        if day is not None and price is not None:
            found[day] = price
    return found


def _said(price: Details, refusal: Refused) -> dict[str, Any]:
    return Details.error("date", refusal.code, str(refusal), price.sent.get("date"))


def _object(details: Details, index: int, name: str, sent: object) -> Details | None:
    """What is sent as an object; null where it is none, which is noted."""
    if isinstance(sent, dict):
        return Details(sent)
    _refuse(details, index, Details.error(name, "value_invalid", "Write an object.", sent))
    return None


def _refuse(details: Details, index: int, *errors: Mapping[str, Any]) -> None:
    details.errors += [{"index": index} | dict(error) for error in errors]
