"""The cluster's files copied while it works, and recovered elsewhere: all rows, another history."""

import asyncio
import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from analytics.lineage import Lineage
from local_stack.database import prepare_database
from local_stack.folders import temporary_folder
from local_stack.postgres import PostgresServer
from operating.backup import copy_cluster, recover_from_files
from riskstream.runtime.clock import Clock


async def lineage_of(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        lineage = Lineage()
        await lineage.meet(connection)
        return lineage.name
    finally:
        await connection.close()


def give_to_who_runs_postgres(folder: Path) -> None:
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that the user who runs Postgres may enter."""
    folder = temporary_folder("postgres")
    yield folder
    shutil.rmtree(folder)


def test_a_recovered_copy_has_every_row_and_counts_in_a_history_of_its_own(room: Path) -> None:
    with PostgresServer(durable=False) as first:
        database = asyncio.run(prepare_database(first.dsn(), "riskstream", Clock()))
        first.execute("INSERT INTO symbols.symbol_universe VALUES ('SPY', 'active', now())", "riskstream")
        copy_cluster(first.dsn(), room / "data")
        first.execute("INSERT INTO symbols.symbol_universe VALUES ('LOST', 'active', now())", "riskstream")
        theirs = asyncio.run(lineage_of(database.dsns["analytics"]))
        first.restart()
        assert asyncio.run(lineage_of(database.dsns["analytics"])) == theirs, "a restart is no other history"
        (room / "password").write_text(first.password)
        port = f":{first.port}/"

    recover_from_files(room / "data")
    give_to_who_runs_postgres(room)
    second = PostgresServer(room, durable=False)
    with second:
        assert second.execute("SELECT symbol FROM symbols.symbol_universe", "riskstream") == "SPY"
        ours = database.dsns["analytics"].replace(port, f":{second.port}/")
        assert asyncio.run(lineage_of(ours)) != theirs
