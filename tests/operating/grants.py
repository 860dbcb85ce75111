"""`python -m operating.grants`: write each service's `grants.txt` anew, from a database just migrated."""

import asyncio
import sys
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from local_stack.database import Database, prepare_database
from local_stack.testing import servers_for_tests
from riskstream.doctor.examined import ExaminedService, installed_services
from riskstream.doctor.grants import grants_on
from riskstream.runtime.clock import Clock

SERVICES = Path(__file__).parents[2] / "services"

HEADING = "# What migrations grant on the schema {}, a line each. `riskstream doctor` holds a database against it.\n"


async def granted(database: Database, schema: str) -> frozenset[str]:
    engine = create_async_engine(database.superuser_dsn.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.connect() as connection:
            return await grants_on(connection, schema)
    finally:
        await engine.dispose()


def file_of(service: ExaminedService) -> Path:
    return SERVICES / service.name / "src" / service.package / "grants.txt"


def main() -> None:
    postgres, _, _ = servers_for_tests()
    with postgres:
        database = asyncio.run(prepare_database(postgres.dsn(), "grants", Clock()))
        for service in installed_services():
            if service.schema is not None:
                lines = sorted(asyncio.run(granted(database, service.schema)))
                file_of(service).write_text("".join([HEADING.format(service.schema), *(f"{one}\n" for one in lines)]))
                sys.stdout.write(f"{file_of(service).name} of {service.name}: {len(lines)} lines\n")


if __name__ == "__main__":
    main()
