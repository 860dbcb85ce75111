"""What OpenAPI shows of bodies that are read by hand, so that numbers stay exact."""

from typing import Any

from onboarding.api.details import LONGEST_NAME
from onboarding.imports.findings import COLUMNS, REQUIRED, Field
from onboarding.imports.flow import FlowKind
from onboarding.imports.lot import InvestmentClass

DECIMAL = {"oneOf": [{"type": "string"}, {"type": "number"}]}
DATE = {"type": "string", "format": "date"}

POSITION: dict[str, Any] = {
    "title": "NewLot",
    "description": "A lot as it was bought, or sold short where the quantity is negative.",
    "type": "object",
    "additionalProperties": False,
    "required": [str(field) for field in REQUIRED],
    "properties": {
        Field.SYMBOL: {"type": "string", "description": "`BRK.B` and `BRK-B` are the same."},
        Field.QUANTITY: DECIMAL | {"description": "Signed: short is negative."},
        Field.ENTRY_PRICE: DECIMAL | {"description": "USD per share, above 0."},
        Field.ENTRY_DATE: DATE,
        Field.INVESTMENT_CLASS: {"type": "string", "enum": [str(kind) for kind in InvestmentClass]},
        Field.INVESTMENT_SUBTYPE: {"type": "string"},
        Field.UNDERLYING_SYMBOL: {"type": "string"},
        Field.STRIKE_PRICE: DECIMAL,
        Field.EXPIRATION_DATE: DATE,
        Field.OPTION_TYPE: {"type": "string", "enum": ["CALL", "PUT"]},
        Field.EXIT_DATE: DATE,
        Field.EXIT_PRICE: DECIMAL,
        Field.ENTRY_FEE: DECIMAL | {"description": "USD paid when it was opened, for the whole lot; 0 or above."},
        Field.EXIT_FEE: DECIMAL | {"description": "USD paid when it was closed, for the whole lot; 0 or above."},
        Field.MULTIPLIER: DECIMAL | {"description": "100 for options, else 1."},
        Field.CURRENCY: {"type": "string", "enum": ["USD"]},
    },
}

_PRICES = {
    "type": "array",
    "items": {
        "title": "NewPrice",
        "type": "object",
        "additionalProperties": False,
        "required": ["date", "price"],
        "properties": {"date": DATE, "price": DECIMAL},
    },
    "description": "Of OPTIONS and PRIVATE: USD per share or unit, each from its day until the next.",
}

FLOW: dict[str, Any] = {
    "kind": {"type": "string", "enum": [str(kind) for kind in FlowKind]},
    "amount": DECIMAL | {"description": "USD, above 0; the kind says which way it goes."},
    "date": DATE | {"description": "After the portfolio's first session."},
    "currency": {"type": "string", "enum": ["USD"]},
    "note": {"type": "string", "maxLength": LONGEST_NAME},
}
NEW_CASH_FLOW: dict[str, Any] = {
    "title": "NewCashFlow",
    "description": "Money that came or went, after the portfolio's first session.",
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "amount", "date"],
    "properties": FLOW,
}

_HELD = POSITION | {
    "title": "NewPosition",
    "description": "A lot, with prices by hand where there is no market for it.",
    "properties": POSITION["properties"] | {"prices": _PRICES},
}
_FLOWS = {"type": "array", "items": NEW_CASH_FLOW}

DETAILS: dict[str, Any] = {
    "name": {"type": "string", "maxLength": LONGEST_NAME},
    "declared_equity": DECIMAL | {"description": "NAV of the first snapshot, in USD; else the value of the positions."},
    "first_session": DATE | {"description": "An NYSE session, at latest the last published one, which is the default."},
}

SAMPLE_CSV = (
    f"{','.join(COLUMNS[field] for field in REQUIRED)}\nAAPL,100,185.50,2024-01-16\nBRK.B,-20,410.00,2024-05-01\n"
)

CREATION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "title": "NewPortfolio",
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name", "positions"],
                    "properties": DETAILS | {"positions": {"type": "array", "items": _HELD}, "cash_flows": _FLOWS},
                },
                "example": {
                    "name": "Long and short",
                    "declared_equity": "100000",
                    "positions": [
                        {"symbol": "AAPL", "quantity": "100", "entry_price": "185.50", "entry_date": "2024-01-16"},
                        {"symbol": "BRK.B", "quantity": "-20", "entry_price": "410.00", "entry_date": "2024-05-01"},
                        {
                            "symbol": "LAKE HOUSE",
                            "quantity": "1",
                            "entry_price": "250000",
                            "entry_date": "2020-02-28",
                            "investment_class": "PRIVATE",
                            "prices": [{"date": "2024-06-28", "price": "310000"}],
                        },
                    ],
                    "first_session": "2024-12-12",
                    "cash_flows": [{"kind": "deposit", "amount": "2500.00", "date": "2024-12-13", "note": "Salary"}],
                },
            }
        },
    },
}

NOT_FOUND = {"s404": "You have no such portfolio. Another owner's is answered the same way."}

CREATION_PROBLEMS = {
    "s400": "The body cannot be read.",
    "s409": "The key, or the file, stands for a creation with other content.",
    "s413": "The body is too large.",
    "s422": "Findings about rows and fields, all at once.",
    "s503": "So many new symbols wait that nothing was stored; see Retry-After.",
}

EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, with the portfolio's version as its ETag. The CSV has the lots alone.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": SAMPLE_CSV},
            "application/json": {
                "schema": {"type": "object", "description": "A body of `POST /portfolios`: all of the ledger."},
            },
        },
    },
    304: {"description": "The file that `If-None-Match` names is the present one."},
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "The stable word to test for."},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def problems(**described: str) -> dict[int | str, dict[str, Any]]:
    """The problems of an operation for OpenAPI, by `s<status>`."""
    return {
        int(status.removeprefix("s")): {
            "description": description,
            "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
        }
        for status, description in described.items()
    }
