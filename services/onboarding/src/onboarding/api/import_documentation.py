"""What OpenAPI shows of imports: the file, what is said beside it, and reports with errors."""

from http import HTTPStatus
from typing import Any

from onboarding.api.details import MODES
from onboarding.api.documentation import (
    CREATION_PROBLEMS,
    DATE,
    DETAILS,
    PROBLEM_SCHEMA,
    SAMPLE_CSV,
    problems,
)
from onboarding.api.ledger_documentation import ADDING

_TERMS: dict[str, Any] = DETAILS | {
    "mode": {
        "type": "string",
        "enum": list(MODES),
        "default": MODES[0],
        "description": "`all_or_nothing`: one wrong row and nothing is stored. `accept_valid`: exactly the valid rows "
        "are stored, and the report lists the others.",
    },
    "dry_run": {
        "type": "boolean",
        "default": False,
        "description": "Answers 200 with the report of the same import, or as that would be refused, and stores "
        "nothing; nor is the file remembered.",
    },
    "file_date": DATE
    | {
        "description": "Of which day a broker's positions are; else what the file says, else today. They are entered "
        "on it where the file does not say when they were bought.",
        "example": "2024-12-13",
    },
    "isins": {
        "type": "string",
        "description": "Tickers by ISIN as a JSON object, for files that name ISINs only; they win over tickers of the "
        "file. An ISIN without a ticker refuses its row.",
        "example": '{"US9220427424": "VT"}',
    },
}


def _file(terms: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """A request with a file: what may be said beside it, in the query or as fields of a form."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "schema": {key: said for key, said in schema.items() if key not in {"description", "example"}},
                "description": f"{schema.get('description', '')} A form has it as a field.".strip(),
                **({"example": schema["example"]} if "example" in schema else {}),
            }
            for name, schema in terms.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file", *required],
                        "properties": terms | {"file": {"type": "string", "format": "binary"}},
                    }
                },
                "text/csv": {"schema": {"type": "string"}, "example": SAMPLE_CSV},
                "application/xml": {
                    "schema": {"type": "string", "description": "A Flex query of Interactive Brokers."}
                },
            },
        },
    }


FILE = _file(_TERMS, ["name"])
FILE_INTO = _file(
    {name: schema for name, schema in _TERMS.items() if name not in DETAILS},
    [],
)

_OVERSELL = {
    "row": 6,
    "column": "Quantity",
    "code": "oversell",
    "message": "Sold 1 MSFT; at that time this file has 0.",
    "value": "1",
    "mend": "Send a file that begins before the purchase, or leave the row out; a short sale must say so.",
}
_LEFT_OUT = {
    "row": 4,
    "column": None,
    "code": "rows_left_out",
    "message": "1 of this kind: no positions, left out.",
    "value": "Cash Dividend",
    "mend": "Nothing: these rows are no positions.",
}
_REPORT = {
    "dialect": "schwab",
    "rows": 4,
    "accepted": 3,
    "rejected": 1,
    "left_out": 1,
    "positions": 3,
    "flows": 0,
    "errors": [_OVERSELL],
    "warnings": [_LEFT_OUT],
    "errors_count": 1,
    "warnings_count": 1,
}
_ROWS_INVALID = {
    "type": "urn:riskstream:problem:rows_invalid",
    "title": "Unprocessable Entity",
    "status": 422,
    "code": "rows_invalid",
    "detail": "1 of 4 rows have errors (1 in all); nothing was stored. Send mode=accept_valid to store the others.",
    "errors": [_OVERSELL],
}
_COLUMNS_MISSING = {
    "type": "urn:riskstream:problem:columns_missing",
    "title": "Unprocessable Entity",
    "status": 422,
    "code": "columns_missing",
    "detail": "The header lacks Entry Date, and is none of the brokers' that are known.",
    "errors": [
        {
            "row": 1,
            "column": None,
            "code": "columns_missing",
            "message": "The header lacks Entry Date, and is none of the brokers' that are known.",
            "value": "",
            "mend": "Add the columns to the header, or send the broker's file as it was exported.",
        }
    ],
}
_DETAIL_WRONG = {
    "type": "urn:riskstream:problem:portfolio_invalid",
    "title": "Unprocessable Entity",
    "status": 422,
    "code": "portfolio_invalid",
    "detail": "1 error; nothing was stored.",
    "errors": [
        {
            "field": "file_date",
            "code": "date_not_iso",
            "message": "Write the date of the broker's file as 2024-12-31.",
            "value": "13.12.2024",
            "mend": "Write the date as 2024-12-31, a day that is in the calendar.",
        }
    ],
}

RESPONSES: dict[int | str, dict[str, Any]] = problems(**CREATION_PROBLEMS, s415="Neither a form nor a CSV.") | {
    int(HTTPStatus.OK): {
        "description": "A dry run's report; or the portfolio that was created when this file was first sent.",
        "content": {
            "application/json": {
                "examples": {
                    "a dry run that found an error": {
                        "value": {"dry_run": True, "would_be_stored": False, "report": _REPORT}
                    }
                }
            }
        },
    },
    int(HTTPStatus.UNPROCESSABLE_ENTITY): {
        "description": CREATION_PROBLEMS["s422"],
        "content": {
            "application/problem+json": {
                "schema": PROBLEM_SCHEMA,
                "examples": {
                    "rows with errors": {"value": _ROWS_INVALID},
                    "a file that cannot be read as a whole": {"value": _COLUMNS_MISSING},
                    "something said beside the file": {"value": _DETAIL_WRONG},
                },
            }
        },
    },
}

RESPONSES_INTO: dict[int | str, dict[str, Any]] = (
    ADDING
    | problems(s415="Neither a form nor a CSV.")
    | {
        status: said | {"description": described}
        for status, described, said in (
            (200, "A dry run's report; or what the file added when it was first sent.", RESPONSES[200]),
            (422, "Findings about rows and terms, all at once.", RESPONSES[422]),
        )
    }
    | {
        int(HTTPStatus.CREATED): {
            "description": "What the file added, and the portfolio's version since.",
            "content": {
                "application/json": {
                    "example": {
                        "portfolio_id": "6c1f0c2e-8a53-4f7e-9b0f-3f1f4f0a2b11",
                        "version": 8,
                        "first_affected_session": "2024-12-13",
                        "status": "pending",
                        "status_address": "/portfolios/6c1f0c2e-8a53-4f7e-9b0f-3f1f4f0a2b11/status",
                        "report": _REPORT,
                    }
                }
            },
        }
    }
)
