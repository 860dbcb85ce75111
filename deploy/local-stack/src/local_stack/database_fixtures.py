"""Pytest fixtures of a prepared database: migrated once a session, then copied for each test that asks."""

import asyncio
import itertools
import os
import secrets
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from local_stack.database import Database, copy_database, drop_database, prepare_database
from local_stack.postgres import PostgresServer
from riskstream.runtime.clock import Clock

Result = TypeVar("Result")

_PASSWORD = secrets.token_urlsafe(12)
_numbers = itertools.count()


@pytest.fixture(scope="session")
def database_template(postgres_server: PostgresServer) -> Database:
    """Roles, schemas and migrations, without a row. Nobody may stay connected to it: it is what `database` copies."""
    return _in_a_loop_of_its_own(prepare_database(postgres_server.dsn(), f"template_{os.getpid()}", Clock(), _PASSWORD))


@pytest.fixture
def database(database_template: Database) -> Iterator[Database]:
    """A database of the test's own; gone afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    copied = _in_a_loop_of_its_own(copy_database(database_template, name, _PASSWORD))
    yield copied
    _in_a_loop_of_its_own(drop_database(copied))


def _in_a_loop_of_its_own(work: Coroutine[None, None, Result]) -> Result:
    """Run to the end in another thread: the test's own event loop may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
