"""What the OpenAPI documents of the four services say of tokens and errors, operation by operation."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from fastapi.openapi.models import OpenAPI

from chaos.kernel.wiring import SERVICES
from contract.addresses import LOOKING, OPERATIONS
from contract.api_files import openapi_file, text_of
from contract.documents import openapi_documents
from local_stack.database import Database
from riskstream.runtime.access import PUBLIC
from riskstream.runtime.openapi import ProblemDocument

REFUSALS = {"401", "403", "429", "503"}


@pytest.fixture
async def documents(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, dict[str, Any]]]:
    async with openapi_documents(database, tmp_path, monkeypatch) as found:
        yield found


def operations(documents: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for service, document in documents.items():
        for path, item in document["paths"].items():
            yield from ((service, path, method, operation) for method, operation in item.items())


def needed(service: str, method: str) -> str:
    if service in OPERATIONS:
        return "operator"
    return "read" if method == "get" or service in LOOKING else "write"


async def test_the_documents_say_of_tokens_and_errors_what_is_so(documents: dict[str, dict[str, Any]]) -> None:
    assert set(documents) == set(SERVICES)
    for service, document in documents.items():
        assert document["openapi"].startswith("3.1"), service
        OpenAPI.model_validate(document)
        scheme = document["components"]["securitySchemes"]["bearer"]
        assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
        ids = [operation["operationId"] for _, _, _, operation in operations({service: document})]
        assert len(ids) == len(set(ids)), service
    guarded = 0
    for service, path, method, operation in operations(documents):
        if path in PUBLIC:
            assert "security" not in operation, (service, path)
            continue
        guarded += 1
        where = (service, method, path)
        by_ticket = [{"ticket": []}] if path.endswith("/portfolio/{portfolio}/events") else []
        assert operation["security"] == [{"bearer": [needed(service, method)]}, *by_ticket], where
        schemes = documents[service]["components"]["securitySchemes"]
        assert all(name in schemes for way in operation["security"] for name in way), where
        assert set(operation["responses"]) >= REFUSALS, where
        for status, response in operation["responses"].items():
            if status[0] in "45":
                assert set(response["content"]) == {"application/problem+json"}, (where, status)
                body = response["content"]["application/problem+json"]
                assert body["schema"], (where, status)
                shown = [body["example"]] if "example" in body else [e["value"] for e in body["examples"].values()]
                assert shown, (where, status)
                for example in shown:
                    assert ProblemDocument.model_validate(example).status == int(status), (where, status)
    assert guarded > 25


async def test_the_committed_documents_are_what_the_services_say(documents: dict[str, dict[str, Any]]) -> None:
    stale = [
        service
        for service, document in documents.items()
        if not openapi_file(service).exists() or openapi_file(service).read_text() != text_of(document)
    ]
    assert not stale, f"renew the documents of {stale} with `make documents`, and look at what has changed"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_the_committed_documents_are_openapi(service: str) -> None:
    document = json.loads(openapi_file(service).read_text())
    schemathesis.openapi.from_dict(document).validate()
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


async def test_operations_are_named_as_clients_want_them(documents: dict[str, dict[str, Any]]) -> None:
    names = [operation["operationId"] for _, _, _, operation in operations(documents)]
    assert [name for name in names if not name.isidentifier() or name.lower() != name] == []


async def test_every_schema_is_of_something_that_is_asked_or_answered(documents: dict[str, dict[str, Any]]) -> None:
    for service, document in documents.items():
        text = json.dumps(document)
        unused = [name for name in document["components"]["schemas"] if f'schemas/{name}"' not in text]
        assert unused == [], service
