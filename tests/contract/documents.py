"""What the services say of their APIs, as committed under `docs/api`: `python -m contract.documents` renews it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from chaos.kernel.wiring import SERVICES, wired
from contract.api_files import FOLDER, openapi_file, text_of
from local_stack.database import Database, prepare_database
from local_stack.issuer import Issuer
from local_stack.postgres import PostgresServer
from riskstream.runtime.clock import Clock

NO_SERVER = "127.0.0.1:1"
"""Documents are made of the code: neither Kafka nor Redis is asked for them."""


@asynccontextmanager
async def openapi_documents(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """Of each service as its own `serve` wires it, by its name."""
    shared = {
        "RISKSTREAM_KAFKA": NO_SERVER,
        "RISKSTREAM_REDIS_URL": f"redis://{NO_SERVER}",
        "RISKSTREAM_HTTP_PORT": "0",
        **Issuer(folder).environment(),
    }
    environments = {
        name: shared | {"RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")]} for name in SERVICES
    }
    async with wired(environments, monkeypatch) as services:
        yield {name: app.openapi() for name, app in services.apps.items()}


async def _renew(server: PostgresServer, folder: Path) -> None:
    database = await prepare_database(server.dsn(), "documents", Clock())
    with pytest.MonkeyPatch.context() as patch:
        async with openapi_documents(database, folder, patch) as documents:
            for service, document in documents.items():
                openapi_file(service).write_text(text_of(document))


def main() -> None:
    """Write what the code says now."""
    FOLDER.mkdir(exist_ok=True)
    server = PostgresServer(durable=False)
    with TemporaryDirectory() as folder:
        server.start()
        try:
            asyncio.run(_renew(server, Path(folder)))
        finally:
            server.close()


if __name__ == "__main__":
    main()
