"""A system that is well: a database as migrations leave it with a calendar and an edition, and topics of its own."""

import secrets
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from sqlalchemy.ext.asyncio import create_async_engine

from local_stack.database import Database
from local_stack.kafka import KafkaServer
from local_stack.valkey import ValkeyServer
from operating.patient import NOW, Patient
from riskstream.doctor.examined import installed_services
from riskstream.messaging.topics import create_topics
from riskstream.runtime.clock import Clock
from symbol_batch.calendar import calendar_at
from symbol_batch.store.sessions import publish_sessions


@pytest.fixture
def topics_file(tmp_path: Path) -> Path:
    """A topic with a group, and by it a dead letter topic."""
    file = tmp_path / "topics.yaml"
    topic = {
        "name": f"operating-{secrets.token_hex(4)}",
        "description": "a test's own",
        "key": "k",
        "partitions": 2,
        "retention_days": 3,
        "groups": [f"operating-{secrets.token_hex(4)}.work"],
    }
    file.write_text(yaml.safe_dump({"dead_letters": {"partitions": 1, "retention_days": 30}, "topics": [topic]}))
    return file


@pytest.fixture
async def patient(
    database: Database,
    kafka_server: KafkaServer,
    valkey_server: ValkeyServer,
    topics_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Patient:
    """Well in every respect."""
    clock = Clock(NOW)
    await create_topics(kafka_server.address, topics_file, 1)
    engine = create_async_engine(database.superuser_dsn.replace("postgresql://", "postgresql+asyncpg://"))
    calendar = calendar_at(clock.today())
    async with engine.begin() as connection:
        await publish_sessions(connection, calendar.sessions)
    await engine.dispose()
    monkeypatch.setenv("RISKSTREAM_REDIS_URL", valkey_server.url)
    made = Patient(database, kafka_server.address, valkey_server.url, topics_file, clock)
    last, edition = calendar.due(clock.now())[-1], uuid4()
    await made.execute(
        f"INSERT INTO symbols.editions VALUES (1, '{last}', 'night', '{edition}', now())",
        f"INSERT INTO symbols.current_edition (edition, session) VALUES (1, '{last}')",
        # Partitions are made for the years around the real today; the patient lives in its own.
        *_partitions(clock),
    )
    return made


def _partitions(clock: Clock) -> list[str]:
    return [
        f"SET ROLE riskstream_owner; CREATE TABLE IF NOT EXISTS {table}_{year} PARTITION OF {table} "
        f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01'); RESET ROLE"
        for service in installed_services()
        for table in (f"{service.schema}.{name}" for name in service.partitioned)
        for year in (clock.today().year, clock.today().year + 1)
    ]
