"""`riskstream providers`: whether they answer, and how fast they may be asked."""

import asyncio
from dataclasses import asdict
from typing import Any

import typer

from riskstream.command_line import AsJson, show_list
from symbol_batch.commands.connection import database
from symbol_batch.store.provider_limits import provider_limits

COLUMNS = (
    "provider", "rate", "refused_rate", "breaker", "paused_until", "answered", "refused", "lost", "last_failure",
)  # fmt: skip

app = typer.Typer(help="The sources of market data.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Every provider that was ever asked: its rate, its breaker, what it refused."""

    async def reading() -> list[dict[str, Any]]:
        async with database() as engine, engine.connect() as connection:
            return [asdict(limit) for limit in (await provider_limits(connection)).values()]

    show_list(asyncio.run(reading()), COLUMNS, as_json=as_json, none="no provider has been asked yet")
