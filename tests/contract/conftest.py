"""The Python client and what it asks."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from contract.asked import Asked, asked_services
from local_stack.database import Database, copy_database, drop_database
from local_stack.valkey import ValkeyServer
from riskstream_client import Analytics, Portfolios


@pytest.fixture(scope="module")
def asked(
    database_template: Database, valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    password = str(make_url(database_template.dsns["analytics"]).password)
    database = asyncio.run(copy_database(database_template, f"client_{os.getpid()}", password))
    try:
        with asked_services(database, valkey_server, tmp_path_factory.mktemp("client")) as services:
            yield services
    finally:
        asyncio.run(drop_database(database))


@pytest.fixture
def analytics(asked: Asked) -> Iterator[Analytics]:
    with Analytics(asked.analytics.url, asked.token) as client:
        yield client


@pytest.fixture
def portfolios(asked: Asked) -> Iterator[Portfolios]:
    with Portfolios(asked.onboarding.url, asked.token) as client:
        yield client
