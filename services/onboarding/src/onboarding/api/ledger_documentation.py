"""What OpenAPI shows of lots, flows, prices and changes: bodies that are read by hand, with an example of each
problem."""

from http import HTTPStatus
from typing import Any

from onboarding.api.documentation import (
    DATE,
    DECIMAL,
    DETAILS,
    FLOW,
    NEW_CASH_FLOW,
    POSITION,
    PROBLEM_SCHEMA,
)
from onboarding.api.preconditions import SEND_THAT_THERE_IS_NONE, SEND_WHAT_WAS_SEEN
from onboarding.imports.findings import REQUIRED

_PATH = "/portfolios/6c1f0c2e-8a53-4f7e-9b0f-3f1f4f0a2b11"


def _problem(status: HTTPStatus, code: str, detail: str, **more: Any) -> dict[int | str, dict[str, Any]]:
    """A problem as an example shows it."""
    example = {
        "type": f"urn:riskstream:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
        "instance": _PATH,
    }
    content = {"application/problem+json": {"schema": PROBLEM_SCHEMA, "example": example | more}}
    return {status.value: {"description": detail, "content": content}}


_BAD_REQUEST = _problem(HTTPStatus.BAD_REQUEST, "body_unreadable", "The body must be a JSON object.")
_BAD_REQUEST_ID = _problem(
    HTTPStatus.BAD_REQUEST,
    "request_id_invalid",
    "X-Request-ID has 1 to 200 printable ASCII characters without spaces; a UUID is a good choice.",
)
_NOT_FOUND = _problem(
    HTTPStatus.NOT_FOUND, "no_such_portfolio", "You have no portfolio 6c1f0c2e-8a53-4f7e-9b0f-3f1f4f0a2b11."
)
_KEY_REUSED = _problem(
    HTTPStatus.CONFLICT,
    "idempotency_key_reused",
    "This Idempotency-Key was used with other content; send another Idempotency-Key to do something else.",
)
_CONFLICT_OF_VERSIONS = _problem(
    HTTPStatus.PRECONDITION_FAILED,
    "precondition_failed",
    'Somebody changed it since: its ETag is "8" now. Read it again, and send your change with that ETag.',
)
_NO_PRECONDITION = _problem(
    HTTPStatus.PRECONDITION_REQUIRED,
    "precondition_required",
    SEND_WHAT_WAS_SEEN,
)
_NOTHING_SEEN = _problem(
    HTTPStatus.PRECONDITION_REQUIRED, "precondition_required", SEND_WHAT_WAS_SEEN + SEND_THAT_THERE_IS_NONE
)
_TOO_LARGE = _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "At most 10,485,760 bytes are accepted.")
_INVALID = _problem(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "date_in_future",
    "1 error; nothing was stored.",
    errors=[
        {
            "field": "date",
            "code": "date_in_future",
            "message": "The date is in the future; today is 2024-12-16 in New York.",
            "value": "2034-12-16",
            "mend": "Correct the date; what has not happened yet cannot be imported.",
        }
    ],
)
_NOT_NOW = _problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "symbol_queue_full",
    "1,000 new symbols are being brought in; nothing was stored: send the same request again later.",
)
_AWAY = _problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_away", "The database is away for now.")
_PUBLIC = _problem(HTTPStatus.CONFLICT, "price_of_public_lot", "AAPL is traded, and valued at its market's prices.")
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As it was under the ETag that was sent."}}

READING = _NOT_FOUND | _INVALID | _AWAY
READING_ONE = READING | _NOT_MODIFIED
_WRITING = _BAD_REQUEST | _NOT_FOUND | _TOO_LARGE | _INVALID | _NOT_NOW
ADDING = _WRITING | _KEY_REUSED | _CONFLICT_OF_VERSIONS
EDITING = _WRITING | _CONFLICT_OF_VERSIONS | _NO_PRECONDITION
CLOSING = EDITING | _KEY_REUSED
DELETING = _BAD_REQUEST_ID | _NOT_FOUND | _CONFLICT_OF_VERSIONS | _NO_PRECONDITION | _INVALID | _AWAY
PRICING = EDITING | _NOTHING_SEEN | _PUBLIC


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """A request with such a body; clients call its type as the schema's title."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
    }


def _object(title: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _clearable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that null clears."""
    described = {"description": schema["description"]} if "description" in schema else {}
    return described | {
        "anyOf": [{key: said for key, said in schema.items() if key not in described}, {"type": "null"}]
    }


_USD = {"type": "string", "enum": ["USD"]}

NEW_LOTS = _body(
    _object("NewLots", {"lots": {"type": "array", "minItems": 1, "items": POSITION}}, ["lots"]),
    {"lots": [{"symbol": "AAPL", "quantity": "10", "entry_price": "246.00", "entry_date": "2024-12-11"}]},
)

LOT_CHANGE = _body(
    _object(
        "LotChange",
        {name: said if name in REQUIRED else _clearable(said) for name, said in POSITION["properties"].items()},
        [],
    ),
    {"quantity": "12", "entry_fee": "1.00"},
)

CLOSE = _body(
    _object(
        "LotClosing",
        {
            "exit_date": DATE,
            "exit_price": DECIMAL | {"description": "USD per share as traded on that day."},
            "quantity": DECIMAL | {"description": "Shares as of the exit date, without a sign; else all."},
            "exit_fee": DECIMAL,
            "currency": _USD,
        },
        ["exit_date", "exit_price"],
    ),
    {"exit_date": "2024-12-13", "exit_price": "248.13", "quantity": "4", "exit_fee": "1.00"},
)

NEW_FLOW = _body(
    NEW_CASH_FLOW,
    {"kind": "deposit", "amount": "2500.00", "date": "2024-12-16", "note": "Salary"},
)

FLOW_CHANGE = _body(_object("CashFlowChange", FLOW, []), {"amount": "2600.00"})

PRICE = _body(
    _object(
        "PriceGiven",
        {"price": DECIMAL | {"description": "USD per share or unit, 0 or above."}, "currency": _USD},
        ["price"],
    ),
    {"price": "12.50"},
)

DESCRIPTION = _body(
    _object(
        "PortfolioChange",
        {"name": DETAILS["name"], "declared_equity": {"oneOf": [*DECIMAL["oneOf"], {"type": "null"}]}},
        [],
    ),
    {"name": "Retirement", "declared_equity": "120000"},
)
