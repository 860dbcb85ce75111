"""`riskstream backfill`: prices of an earlier range, exposures of sessions that are over."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from riskstream.command_line import AsJson, CommandFailed, UsedWrongly, progress, say, show
from riskstream.runtime.clock import clock_from_environment
from symbol_batch.backfill import BackfillRefused, ExposureBackfill, PriceBackfill, PricesFilled
from symbol_batch.commands.connection import database, normalised
from symbol_batch.commands.wiring import service
from symbol_batch.revisions import Revisions

T = TypeVar("T")

First: TypeAlias = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")]
Last: TypeAlias = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, included.")]

app = typer.Typer(help="Fill in what is missing of the past. Begun again, it goes on where it was interrupted.")


@app.command()
def prices(
    *,
    first: First,
    last: Last,
    symbols: Annotated[
        str | None, typer.Option(help="Only these, with commas between; else every active symbol.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for the prices of a range; what changes published sessions is a revision. 1 if a symbol was refused."""
    _refuse_backwards(first, last)
    wanted = None if symbols is None else normalised(symbols.split(","))

    async def filling() -> PricesFilled:
        clock = clock_from_environment()
        async with service() as wiring:
            revisions = Revisions(wiring.engine, wiring.outbox, clock)
            with progress("looking for what is missing") as report:
                backfill = PriceBackfill(wiring.engine, wiring.intake, revisions, clock)
                return await backfill.fill(wanted, first.date(), last.date(), report)

    filled = _run(filling())
    told: dict[str, Any] = {
        "complete_before": filled.complete_before,
        "outcomes": dict(filled.outcomes),
        "bars": filled.bars,
        "editions": filled.editions,
        "left_out": filled.failures,
    }
    show(told, as_json=as_json)
    if any(outcome not in {"OK", "STALE", "NOT_FOUND"} for outcome in filled.outcomes):
        raise typer.Exit(1)


@app.command()
def exposures(*, first: First, last: Last, as_json: AsJson = False) -> None:
    """Estimate the exposures of sessions that are over, from the prices as they are known now."""
    _refuse_backwards(first, last)

    async def filling() -> int:
        async with database() as engine:
            with progress("looking for what is missing") as report:
                backfill = ExposureBackfill(engine, clock_from_environment())
                return await backfill.fill(first.date(), last.date(), report)

    written = _run(filling())
    if as_json:
        show({"exposures": written}, as_json=True)
    else:
        say(f"{written} exposures are new")


def _refuse_backwards(first: datetime, last: datetime) -> None:
    if first > last:
        raise UsedWrongly(f"--from {first.date()} is after --to {last.date()}")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except BackfillRefused as error:
        raise CommandFailed(f"nothing was filled in: {error}") from error
