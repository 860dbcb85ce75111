"""What an OpenAPI document says of the gate before its application, and of every error: one place for all routes."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from riskstream.runtime.auth import Scope
from riskstream.runtime.problems import MEDIA_TYPE, Problem, problem_response

SCHEME = "bearer"
Refusals: TypeAlias = Callable[[Scope], Sequence[Problem]]
"""What the gate may answer instead of the application, by the scope that is needed."""
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})


class ProblemDocument(BaseModel):
    """An error (RFC 9457). Programs test `code`; people read `detail`."""

    type: str = Field(description="A URN that ends in `code`.")
    title: str = Field(description="The status in words.")
    status: int = Field(ge=400, le=599)
    code: str
    detail: str = Field(description="What is wrong, and how to mend it.")
    instance: str | None = Field(
        default=None, description="The path that was asked; examples of a route may leave it out."
    )
    errors: list[dict[str, Any]] | None = Field(default=None, description="Single findings, where there are several.")


def operation_id(route: APIRoute) -> str:
    """The route's name as an identifier. Names in generated clients follow from it: it is as stable as an address."""
    return re.sub(r"\W+", "_", route.name)


def describe_gate(app: FastAPI, needs: Callable[[str], Scope], public: Collection[str], refusals: Refusals) -> None:
    """Let the document name the token, the scope and the `refusals` of every route but the `public` ones.

    What a route says itself of one of these errors stays; an error without a body or an example is given one.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            _describe(document, needs, public, refusals)
            _leave_unused_out(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _describe(
    document: dict[str, Any], needs: Callable[[str], Scope], public: Collection[str], refusals: Refusals
) -> None:
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["ProblemDocument"] = ProblemDocument.model_json_schema()
    components.setdefault("securitySchemes", {})[SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the trusted issuer; each operation names the scope that it needs.",
    }
    for path, item in document["paths"].items():
        if path in public:
            continue
        for method, operation in item.items():
            if method in _METHODS:
                needed = needs(method.upper())
                # What a route says of its own security is another way in, beside the token.
                operation["security"] = [{SCHEME: [needed]}, *operation.get("security", [])]
                _describe_errors(operation.setdefault("responses", {}), refusals(needed), path)


def _leave_unused_out(document: dict[str, Any]) -> None:
    """Schemas that nothing names any more: the framework's own of errors, in whose place problems are answered."""
    schemas = document["components"]["schemas"]
    while unused := schemas.keys() - set(_named_in(document)):
        for name in unused:
            del schemas[name]


def _named_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value.rsplit("/", 1)[-1]
            else:
                yield from _named_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _named_in(value)


def _describe_errors(responses: dict[str, Any], refusals: Sequence[Problem], path: str) -> None:
    for problem in refusals:
        responses.setdefault(str(problem.status.value), {"description": problem.status.phrase})
    examples = {problem.status: problem for problem in refusals}
    for status, response in responses.items():
        if status.isdigit() and int(status) >= HTTPStatus.BAD_REQUEST:
            content = response.setdefault("content", {})
            # What the framework says of bodies it cannot read: the application answers with a problem instead.
            content.pop("application/json", None)
            body = content.setdefault(MEDIA_TYPE, {})
            body.setdefault("schema", {"$ref": "#/components/schemas/ProblemDocument"})
            if "example" not in body and "examples" not in body:
                known = HTTPStatus(int(status))
                body["example"] = _shown(examples.get(known) or _named(known), path)


def _shown(problem: Problem, path: str) -> Any:
    return json.loads(bytes(problem_response(problem, path).body))


def _named(status: HTTPStatus) -> Problem:
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        return Problem(status, "invalid_request", "The request cannot be understood: query.limit.")
    return Problem(status, status.name.lower(), status.description or status.phrase)
