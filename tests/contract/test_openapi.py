"""What the OpenAPI documents of the four services say of tokens and errors, operation by operation."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI

from chaos.kernel.wiring import SERVICES, wired
from contract.addresses import LOOKING, OPERATIONS
from local_stack.database import Database
from local_stack.issuer import Issuer
from local_stack.valkey import ValkeyServer
from riskstream.runtime.access import PUBLIC
from riskstream.runtime.openapi import ProblemDocument

REFUSALS = {"401", "403", "429", "503"}


@pytest.fixture
async def documents(
    database: Database, valkey_server: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, dict[str, Any]]]:
    shared = {
        "RISKSTREAM_KAFKA": "127.0.0.1:1",
        "RISKSTREAM_REDIS_URL": valkey_server.url,
        "RISKSTREAM_HTTP_PORT": "0",
        **Issuer(tmp_path).environment(),
    }
    environments = {
        name: shared | {"RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")]} for name in SERVICES
    }
    async with wired(environments, monkeypatch) as services:
        yield {name: app.openapi() for name, app in services.apps.items()}


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
        assert operation["security"] == [{"bearer": [needed(service, method)]}], where
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
