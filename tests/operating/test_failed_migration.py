"""A migration that fails half-way, or cannot have its lock, leaves revision and schema as they were; services go on."""

import asyncio
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

import portfolio_refresh
import portfolio_refresh.schema
from local_stack.database import ROLES_FILE, Database
from riskstream.command_line.starting import run_and_exit
from riskstream.database.migrations import LOCK_TIMEOUT, migrate_as_told, newest_revision, upgrade
from riskstream.runtime.clock import Clock

NEXT = '''
"""What a newer version brings."""

from alembic import op

revision = "9001"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {body}
'''

Package = Callable[[str], str]


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package with portfolio-refresh's history and one migration more, whose `upgrade` has this body."""

    def make(body: str) -> str:
        name = f"newer_{tmp_path.name.replace('-', '_')}"
        history = tmp_path / name / "migrations"
        shutil.copytree(Path(portfolio_refresh.__file__).parent / "migrations", history)
        (tmp_path / name / "__init__.py").touch()
        (history / "versions" / "9001_newer.py").write_text(
            NEXT.format(newest=newest_revision("portfolio_refresh"), body=body)
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return make


async def state(database: Database) -> tuple[str, list[tuple[str, str]]]:
    """The revision, and every column of the schema."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        columns = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'valuations' "
            "ORDER BY 1, 2"
        )
        revision: str = await connection.fetchval("SELECT version_num FROM valuations.alembic_version")
        return revision, [tuple(column) for column in columns]
    finally:
        await connection.close()


async def migrate(database: Database, package: str) -> None:
    dsn = database.dsns["riskstream_migrator"]
    await upgrade(dsn, package, portfolio_refresh.schema.SCHEMA, year=Clock().today().year)


async def test_a_migration_that_fails_half_way_leaves_everything_as_it_was(database: Database, newer: Package) -> None:
    before = await state(database)
    package = newer(
        "op.execute(\"ALTER TABLE valuations.valuation_heads ADD COLUMN fresh text NOT NULL DEFAULT 'x'\")\n"
        '    op.execute("DROP TABLE valuations.refresh_failures")\n'
        '    op.execute("SELECT pg_sleep(0.3)")\n'
        '    op.execute("SELECT 1 / 0")'
    )
    service = await asyncpg.connect(database.dsns["analytics"])
    try:
        migrating = asyncio.create_task(migrate(database, package))
        for _ in range(100):
            async with asyncio.timeout(5):
                assert await service.fetch("SELECT * FROM valuations.head('ana', gen_random_uuid())") == []
            await asyncio.sleep(0.01)
        with pytest.raises(Exception, match="division by zero"):
            await migrating
    finally:
        await service.close()
    assert await state(database) == before


async def test_a_migration_waits_for_a_lock_for_a_bounded_time_and_holds_nobody_up_behind_it_for_longer(
    database: Database, newer: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskstream.database.migrations.LOCK_TIMEOUT", "500ms")
    before = await state(database)
    package = newer('op.execute("ALTER TABLE valuations.valuation_heads ADD COLUMN fresh text")')
    service = await asyncpg.connect(database.dsns["portfolio_refresh"])
    other = await asyncpg.connect(database.dsns["portfolio_refresh"])
    try:
        async with service.transaction():
            await service.fetch("SELECT FROM valuations.valuation_heads")
            migrating = asyncio.create_task(migrate(database, package))
            await asyncio.sleep(0.2)
            # Behind the migration, which waits for `service`.
            async with asyncio.timeout(5):
                assert await other.fetchval("SELECT count(*) FROM valuations.valuation_heads") == 0
            with pytest.raises(Exception, match="lock timeout"):
                await migrating
        assert await state(database) == before
        await migrate(database, package)
        assert (await state(database))[0] == "9001"
    finally:
        await service.close()
        await other.close()


def test_a_migration_gives_way_before_any_service_does() -> None:
    services = [int(seconds) for seconds in re.findall(r"SET lock_timeout = '(\d+)s'", ROLES_FILE.read_text())]
    assert len(services) == 4
    assert int(LOCK_TIMEOUT.removesuffix("s")) < min(services)


def test_the_command_says_in_one_sentence_that_nothing_was_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails(_: str, __: Clock) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    async def told() -> int:
        return await migrate_as_told(fails, Clock())

    monkeypatch.setenv("RISKSTREAM_MIGRATOR_DSN", "postgresql://migrator:sesame@127.0.0.1:1/riskstream")
    with pytest.raises(SystemExit) as ended:
        run_and_exit("symbol-batch", lambda: asyncio.run(told()))
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the schema is as it was" in said
    assert "sesame" not in said
