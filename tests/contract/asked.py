"""The two services that people ask, as processes, with rows of some months; Kafka is away, which nobody has to know."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from contract import standing
from local_stack.database import Database
from local_stack.issuer import Issuer
from local_stack.programs import Analytics, Onboarding, Program
from local_stack.valkey import ValkeyServer


class Asked(NamedTuple):
    analytics: Program
    onboarding: Program
    issuer: Issuer

    def token(self) -> str:
        return self.issuer.token(standing.OWNER)


@contextmanager
def asked_services(database: Database, valkey: ValkeyServer, folder: Path) -> Iterator[Asked]:
    """Both on `database`, which is still empty."""
    issuer = Issuer(folder)
    shared = {
        "RISKSTREAM_KAFKA": "127.0.0.1:1",
        "RISKSTREAM_START_PATIENCE": "0.1",
        "RISKSTREAM_REDIS_URL": valkey.url,
        "RISKSTREAM_CLOCK": "2024-12-16T22:00:00-05:00",
        # Nobody values anything here: there is nothing to wait for.
        "RISKSTREAM_VALUATION_WAIT_MS": "0",
        **issuer.environment(),
    }
    asyncio.run(standing.put_in(database.superuser_dsn))
    with ExitStack() as stack:
        started = []
        for kind, role in ((Analytics, "analytics"), (Onboarding, "onboarding")):
            program = kind(partial(dict, shared, RISKSTREAM_POSTGRES_DSN=database.dsns[role]), folder=folder / role)
            stack.callback(program.close)
            program.start()
            started.append(program)
        yield Asked(*started, issuer)
