"""`riskstream runs`: nights begun, looked at and tried again by hand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.command_line import AsJson, CommandFailed, progress, say, show, show_list, spelt
from symbol_batch.commands.connection import database
from symbol_batch.commands.wiring import service
from symbol_batch.schedule import NotResumable, RunSummary
from symbol_batch.store import runs

COLUMNS = ("session", "state", "attempt", "edition", "started_at", "finished_at", "priced", "reason")
LOOK_SECONDS = 1.0

Day: TypeAlias = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="SESSION")]

app = typer.Typer(help="The nightly runs.")


@app.command()
def start(
    session: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last session to run; those due before it come first."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run what is due now, without waiting for a service or for a failed run's next attempt. 1 if a run failed."""
    through = None if session is None else session.date()
    summaries = asyncio.run(_start(through))
    if not summaries and through is not None:
        raise CommandFailed(
            f"nothing up to {through} is to be run: its night is not due, or published, or given up, or somebody is at "
            "it; `riskstream runs list` says which"
        )
    _tell(summaries, as_json=as_json)


@app.command("list")
def list_runs(limit: Annotated[int, typer.Option(min=1)] = 20, as_json: AsJson = False) -> None:
    """The newest runs."""

    async def reading() -> list[dict[str, Any]]:
        async with database() as engine, engine.connect() as connection:
            return await runs.list_runs(connection, limit=limit)

    found = asyncio.run(reading())
    if not as_json:
        found = [run | {"priced": _priced(run["counts"])} for run in found]
    show_list(found, COLUMNS, as_json=as_json, none="no runs")


@app.command("show")
def show_run(session: Day, as_json: AsJson = False) -> None:
    """A run whole: steps, durations, counts, failures, providers, the code's version."""

    async def reading() -> dict[str, Any] | None:
        async with database() as engine, engine.connect() as connection:
            return await runs.run_of(connection, session.date())

    found = asyncio.run(reading())
    if found is None:
        raise CommandFailed(f"no run of {session.date()}; `riskstream runs list` has those there are")
    if not as_json:
        found["steps"] = [{"": _line_of(step)} for step in found["steps"]]
        found["unpriced"] = [{"": symbol, **why} for symbol, why in found["unpriced"].items()]
    show(found, as_json=as_json)


@app.command()
def resume(session: Day, as_json: AsJson = False) -> None:
    """Try a failed or abandoned run again, now. 1 if it fails again."""
    _tell([asyncio.run(_resume(session.date()))], as_json=as_json)


async def _start(through: date | None) -> list[RunSummary]:
    async with service() as wiring, _watched(wiring.engine):
        return await wiring.reconciler.reconcile(at_once=True, through=through)


async def _resume(session: date) -> RunSummary:
    async with service() as wiring, _watched(wiring.engine):
        try:
            return await wiring.reconciler.resume(session)
        except NotResumable as error:
            raise CommandFailed(str(error)) from error


@asynccontextmanager
async def _watched(engine: AsyncEngine) -> AsyncIterator[None]:
    """Show how far the night is, as anybody sees it in the database."""

    async def look() -> None:
        with progress("looking for what is due") as report:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                async with engine.connect() as connection:
                    seen = await runs.fetched_so_far(connection)
                if seen is not None:
                    session, done, total = seen
                    report(min(done, total), total, f"prices of {session}" if done < total else f"figures of {session}")

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


def _tell(summaries: Sequence[RunSummary], *, as_json: bool) -> None:
    for summary in summaries:
        if as_json:
            show(summary.as_json(), as_json=True)
        else:
            _say(summary)
    if not summaries and not as_json:
        say("nothing is due")
    if any(summary.state in {"failed", "fenced"} for summary in summaries):
        raise typer.Exit(1)


def _say(summary: RunSummary) -> None:
    rest = f"  {summary.reason}" if summary.reason else ""
    say(
        f"{summary.session}  {summary.state}  edition {summary.edition or '-'}  attempt {summary.attempt}  "
        f"{summary.seconds:.1f} s{rest}"
    )
    for step in summary.steps:
        say(f"    {_line_of(step)}")


def _line_of(step: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name} {spelt(value)}" for name, value in step.items() if name not in {"name", "seconds"})
    return f"{step['name']:<18}{step['seconds']:>9.3f} s  {told}".rstrip()


def _priced(counts: Mapping[str, Any]) -> str | None:
    return f"{counts['priced']} of {counts['active']}" if counts else None
