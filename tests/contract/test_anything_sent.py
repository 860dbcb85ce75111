"""Nothing that is sent to analytics or onboarding is answered by a failure, or by what is not in their documents."""

import asyncio
import math
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr
from sqlalchemy import make_url

import analytics.api
import analytics.api_live
import onboarding.api
from chaos.kernel.wiring import SERVICES, wired
from contract import standing
from contract.sent import Operation, Target, operations, try_out
from local_stack.database import Database, copy_database, drop_database
from local_stack.issuer import Issuer
from local_stack.valkey import ValkeyServer
from onboarding.portfolios import Portfolios
from onboarding.settings import OnboardingSettings
from riskstream.runtime.access import PUBLIC
from riskstream.runtime.health import Health

REQUESTS = {"analytics": 5_000, "onboarding": 1_000}
NOBODY = cast("Any", None)
"""Stands for what an application holds: a document needs none of it."""


def _documented() -> dict[str, dict[str, Operation]]:
    """Both applications as far as their documents."""
    asked = analytics.api.create_app(NOBODY, NOBODY, NOBODY, NOBODY, Health())
    analytics.api_live.add_live_updates(asked, NOBODY, NOBODY, NOBODY)
    unused = OnboardingSettings(postgres_dsn=SecretStr("postgresql://role@nowhere/unused"), kafka="nowhere:9092")
    ledgers = Portfolios(NOBODY, NOBODY, NOBODY, unused)
    changed = onboarding.api.create_app(ledgers, NOBODY, NOBODY, unused, Health(), progress=NOBODY, streams=NOBODY)
    return {
        service: operations(app, PUBLIC.__contains__)
        for service, app in (("analytics", asked), ("onboarding", changed))
    }


DOCUMENTED = _documented()
ALL = [
    (service, name)
    for service, found in DOCUMENTED.items()
    # What is deleted cannot be asked about any more, nor what was in it.
    for name in sorted(found, key=lambda name: -len(name) if name.startswith("DELETE") else -math.inf)
]
ACCEPTED = 0.3
"""Of the requests to every operation at least so many are accepted: what is refused never reaches most of the code."""


@pytest.fixture(scope="module")
def database(database_template: Database) -> Iterator[Database]:
    """One for all operations, with rows."""
    password = make_url(database_template.dsns["analytics"]).password
    made = asyncio.run(copy_database(database_template, f"sent_{os.getpid()}", str(password)))
    asyncio.run(standing.put_in(made.superuser_dsn))
    yield made
    asyncio.run(drop_database(made))


@pytest.fixture(scope="module")
def targets(
    database: Database, valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Target]]:
    """The services as they wire themselves, at Monday's night, without a limit on requests."""
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    shared = {
        "RISKSTREAM_KAFKA": "127.0.0.1:1",
        "RISKSTREAM_REDIS_URL": valkey_server.url,
        "RISKSTREAM_HTTP_PORT": "0",
        "RISKSTREAM_CLOCK": "2024-12-16T22:00:00-05:00",
        "RISKSTREAM_RATE_READS_PER_MINUTE": "0",
        "RISKSTREAM_RATE_WRITES_PER_MINUTE": "0",
        "RISKSTREAM_VALUATION_WAIT_MS": "0",
        **issuer.environment(),
    }
    environments = {
        name: shared | {"RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")]} for name in SERVICES
    }
    # The last one has no portfolio.
    bearers = [f"Bearer {issuer.token(owner)}" for owner in (*[standing.OWNER] * 6, "bob", "carol")]
    with (
        pytest.MonkeyPatch.context() as patch,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(wired(environments, patch)) as services,
    ):
        known = {owner: f"Bearer {issuer.token(owner)}" for owner in (standing.OWNER, standing.EDITOR)}
        yield {service: Target(services.apps[service], portal, bearers, standing.KNOWN, known) for service in REQUESTS}


@pytest.mark.parametrize(("service", "name"), ALL, ids=[f"{service}: {name}" for service, name in ALL])
def test_whatever_is_sent_is_answered_as_documented_and_much_of_it_is_accepted(
    targets: dict[str, Target], service: str, name: str
) -> None:
    found = DOCUMENTED[service]
    count = math.ceil(REQUESTS[service] / len(found))
    statuses = try_out(found[name], targets[service], count)
    accepted = sum(times for status, times in statuses.items() if status < 400) / sum(statuses.values())
    assert accepted >= ACCEPTED, f"{accepted:.0%} accepted: {statuses}"
