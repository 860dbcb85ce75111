"""Events of another version on the same topics: what was published once, and what a newer version may add."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from chaos.kernel.wiring import Wired, wired
from contract.golden import Example, examples
from local_stack.database import Database
from local_stack.issuer import Issuer
from riskstream.events.catalogue import CATALOGUE
from riskstream.messaging.delivery import read_delivery
from riskstream.symbology import InvalidSymbolError, normalise


@pytest.fixture
async def services(database: Database, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    """Every service of today, wired on a database, none of them running."""
    issuer = Issuer(tmp_path / "issuer")
    environments = {
        name: {
            "RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")],
            "RISKSTREAM_KAFKA": "127.0.0.1:1",
            "RISKSTREAM_REDIS_URL": "redis://127.0.0.1:1/0",
            "RISKSTREAM_HTTP_PORT": "0",
            **issuer.environment(),
        }
        for name in ("symbol-batch", "portfolio-refresh", "onboarding", "analytics")
    }
    async with wired(environments, monkeypatch) as made:
        yield made


def newer(example: Example) -> Example:
    """The same event as a later version says it: more fields, of any kind, and a header of its own."""
    more = {"confidence": 0.9, "labels": ["a", {"b": None}], "note": "ü"}
    return replace(
        example, headers=example.headers | {"ce_dataschema": "https://later", "x-later": "1"}, body=example.body | more
    )


def record(example: Example, offset: int) -> Any:
    class Record:
        topic, partition, timestamp = CATALOGUE.model(example.event_type).topic, 0, 0
        key, value, headers = example.key.encode(), json.dumps(example.body).encode(), example.record_headers

    made = Record()
    made.offset = offset  # type: ignore[attr-defined]
    return made


async def told_of(database: Database) -> None:
    """The rows that golden events speak of, and were written with: chunks that have ended, editions."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        for body in (example.body for example in examples("portfolio.refresh.requested.v1")):
            await connection.execute(
                "INSERT INTO valuations.refresh_runs (run_id, cause, session, edition, chunks, remaining, finished_at) "
                "VALUES ($1, 'night', '2026-03-17', 1, 1, 0, now()) ON CONFLICT DO NOTHING",
                body["run"],
            )
            await connection.execute(
                "INSERT INTO valuations.refresh_chunks (run_id, chunk, from_portfolio, state) "
                "VALUES ($1, $2, $1, 'done')",
                body["run"],
                body["chunk"],
            )
        for body in (example.body for example in examples("symbol.batch.completed.v1")):
            await connection.execute(
                "INSERT INTO symbols.editions (edition, session, kind, run_id, published_at) "
                "VALUES ($1, '2026-03-17', 'night', gen_random_uuid(), now()) ON CONFLICT DO NOTHING",
                body["edition"],
            )
    finally:
        await connection.close()


async def test_every_handler_of_today_takes_events_of_older_and_newer_versions(
    services: Wired, database: Database
) -> None:
    published = examples()
    assert {example.event_type for example in published} == set(CATALOGUE.by_type)
    await told_of(database)
    heard = 0
    for version in (lambda example: example, newer):
        for offset, example in enumerate(map(version, published)):
            delivery = read_delivery(record(example, offset), CATALOGUE)
            assert delivery.envelope is not None, f"{example.name}: {delivery.undecodable}"
            for hearing in services.of(delivery.envelope.event):
                await hearing.handle(delivery.envelope)
                heard += 1
    assert heard >= 2 * 8
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        requested = {row["symbol"] for row in await connection.fetch("SELECT symbol FROM symbols.symbol_requests")}
    finally:
        await connection.close()
    golden = {example.key for example in published if example.event_type == "symbol.requested.v1"}
    assert requested == {key for key in golden if is_symbol(key)}
    assert len(requested) >= 2


def is_symbol(text: str) -> bool:
    try:
        return normalise(text) == text
    except InvalidSymbolError:
        return False


def test_a_newer_versions_event_says_to_this_version_what_the_older_one_said() -> None:
    for example in examples():
        assert newer(example).read().event == example.read().event


def test_a_version_that_this_code_does_not_know_is_told_as_such_and_not_guessed_at() -> None:
    for example in examples():
        headers = example.headers | {"ce_type": example.headers["ce_type"].replace(".v1", ".v2")}
        delivery = read_delivery(record(replace(example, headers=headers), 0), CATALOGUE)
        assert delivery.envelope is None
        assert ".v2" in str(delivery.undecodable)
