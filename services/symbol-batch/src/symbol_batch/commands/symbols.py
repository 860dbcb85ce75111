"""`riskstream symbols`: what somebody asked for and no edition contains yet."""

import asyncio
from typing import Annotated, Any

import typer

from riskstream.command_line import AsJson, show_list
from symbol_batch.commands.connection import database, normalised
from symbol_batch.store import requests

COLUMNS = ("symbol", "state", "attempt", "step", "requested_at", "next_attempt_at", "last_outcome", "reason", "detail")

app = typer.Typer(help="Symbols that somebody asked for.")


@app.command("requests")
def list_requests(
    symbol: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only queued, running, waiting_for_provider, ready or failed ones.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1)] = 200,
    as_json: AsJson = False,
) -> None:
    """Requests, newest first: state, attempt, step, since when, next try, last outcome."""
    only = normalised([symbol])[0] if symbol else None

    async def reading() -> list[dict[str, Any]]:
        async with database() as engine, engine.connect() as connection:
            return await requests.list_requests(connection, symbol=only, state=state, limit=limit)

    show_list(asyncio.run(reading()), COLUMNS, as_json=as_json, none="no requests")
