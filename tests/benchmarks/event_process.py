"""One half of a service pair: the relay of the one that says, or the consumer of the one that hears."""

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.database.engine import create_engine
from riskstream.events.envelope import Envelope
from riskstream.events.symbol import SymbolFactorsUpdated
from riskstream.messaging.consumer import Consumer
from riskstream.messaging.relay import Relay
from riskstream.messaging.settlement import Together
from riskstream.messaging.tables import creation
from riskstream.runtime.clock import Clock
from riskstream.runtime.logs import configure_logs

SAYING, HEARING = "saying", "hearing"
GROUP = "hearing.effects"

EFFECT = text(
    f"INSERT INTO {HEARING}.effect (event_id, symbol, edition) "
    "SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:symbols AS text[]), CAST(:editions AS bigint[]))"
)


async def create_pair(engine: AsyncEngine) -> None:
    """Two schemas as two services have them, and a table for what the hearing one does."""
    async with engine.begin() as connection:
        for schema in (SAYING, HEARING):
            await connection.execute(text(f"CREATE SCHEMA {schema}"))
            for statement in creation(schema):
                await connection.execute(statement)
        await connection.execute(
            text(f"CREATE TABLE {HEARING}.effect (event_id uuid PRIMARY KEY, symbol text, edition bigint)")
        )


async def write_down(connection: AsyncConnection, envelopes: Sequence[Envelope[SymbolFactorsUpdated]]) -> None:
    """The handler: a row an event."""
    rows = {
        "ids": [envelope.id for envelope in envelopes],
        "symbols": [envelope.event.symbol for envelope in envelopes],
        "editions": [envelope.event.edition for envelope in envelopes],
    }
    await connection.execute(EFFECT, rows)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["relay", "consumer"])
    parser.add_argument("dsn")
    parser.add_argument("kafka")
    options = parser.parse_args()
    configure_logs(options.role, Clock(), "json", "WARNING")
    engine = create_engine(options.dsn, application=options.role)
    part: Any
    if options.role == "relay":
        part = Relay(engine, SAYING, options.kafka, "saying-relay")
    else:
        part = Consumer(engine, HEARING, options.kafka, GROUP, {SymbolFactorsUpdated: Together(write_down)})
    await part.run()


if __name__ == "__main__":
    asyncio.run(main())
