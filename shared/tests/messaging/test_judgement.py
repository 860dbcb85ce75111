"""What is tried again, for how long, and what stops a partition."""

import random
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from riskstream.events.envelope import UndecodableError
from riskstream.messaging.backoff import Backoff
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.crash_points import reached
from riskstream.messaging.errors import DomainError, TransientError, is_transient


@pytest.mark.parametrize(
    "error",
    [
        TransientError("away"),
        TimeoutError(),
        ConnectionResetError(),
        PoolTimeoutError(),
        KafkaConnectionError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.SerializationError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.QueryCanceledError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.AdminShutdownError(),
        asyncpg.IdleInTransactionSessionTimeoutError(),
        asyncpg.UndefinedTableError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
        PendingRollbackError(),
        ExceptionGroup("two", [DomainError(), TimeoutError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        DomainError("no"),
        UndecodableError("no"),
        ValueError(),
        KeyError(),
        AttributeError(),
        asyncpg.UniqueViolationError(),
        asyncpg.CheckViolationError(),
        asyncpg.DataError("value out of range"),
        ExceptionGroup("two", [DomainError(), ValueError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_will_never_pass_is_poison(error: Exception) -> None:
    assert not is_transient(error)


def test_a_domain_error_stays_poison_whatever_caused_it() -> None:
    error = DomainError("no such portfolio")
    error.__cause__ = TimeoutError()
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("statement", "transient"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", True),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", True),
        ("SELECT 1/0", False),
        ("SELECT 'x'::int", False),
        ("SELECT * FROM nowhere_at_all", True),
    ],
)
async def test_errors_of_the_real_database_are_told_apart(engine: Any, statement: str, transient: bool) -> None:
    async def run() -> None:
        async with engine.begin() as connection:
            for part in statement.split("; "):
                await connection.execute(text(part))

    with pytest.raises(DBAPIError) as raised:
        await run()
    assert is_transient(raised.value) is transient


async def test_a_value_that_does_not_fit_its_column_is_poison(engine: Any) -> None:
    with pytest.raises(DBAPIError) as raised:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT CAST(:n AS int)"), {"n": 2**40})
    assert not is_transient(raised.value)


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    nobody = create_async_engine("postgresql+asyncpg://x:y@127.0.0.1:1/z")
    with pytest.raises(ConnectionRefusedError) as raised:
        await nobody.connect()
    assert is_transient(raised.value)


def test_waits_grow_to_the_cap_with_full_jitter_and_start_anew_after_success() -> None:
    backoff = Backoff(base=0.2, cap=30.0, source=random.Random(1))
    waits = [backoff.next() for _ in range(200)]
    assert all(wait <= min(30.0, 0.2 * 2**n) for n, wait in enumerate(waits))
    assert max(waits) > 25
    assert min(waits[20:]) < 5
    assert backoff.failures == 200
    backoff.reset()
    assert backoff.next() <= 0.2


def test_the_breaker_trips_at_the_limit_in_a_row_and_not_before() -> None:
    breaker = Breaker(DeadLetterLimit(consecutive=3, ratio=1.0, window=10))
    for dead in (True, True, False, True, True):
        breaker.count(dead=dead)
    assert not breaker.tripped
    breaker.count(dead=True)
    assert breaker.tripped


def test_the_breaker_trips_when_too_many_of_the_window_are_dead_and_forgets_older_ones() -> None:
    limit = DeadLetterLimit(consecutive=100, ratio=0.05, window=100)
    breaker = Breaker(limit)
    for n in range(300):
        breaker.count(dead=n % 20 == 0)
    assert not breaker.tripped, "five of a hundred are not more than five per cent"
    breaker.count(dead=True)
    breaker.count(dead=True)
    assert breaker.tripped


def test_a_breakers_copy_counts_apart() -> None:
    breaker = Breaker(DeadLetterLimit(consecutive=1))
    twin = breaker.copy()
    twin.count(dead=True)
    assert twin.tripped
    assert not breaker.tripped


def test_crash_points_do_nothing_where_no_test_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKSTREAM_CRASH_AT", raising=False)
    reached("consumer.before_commit")
    monkeypatch.setenv("RISKSTREAM_CRASH_AT", "relay.after_publish_before_delete")
    reached("consumer.before_commit")
