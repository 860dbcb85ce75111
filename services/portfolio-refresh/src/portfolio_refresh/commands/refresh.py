"""`riskstream refresh`: runs ordered, followed and looked at by hand."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio_refresh import schema
from portfolio_refresh.orders import Ordered, OrderRefused, Orders, Whose
from portfolio_refresh.planner import ChunkLimits, Planner
from portfolio_refresh.settings import CommandSettings
from portfolio_refresh.store.failures import failing_now, failures_of
from portfolio_refresh.store.reports import chunks_of, list_runs, run_of
from riskstream.command_line import (
    AsJson,
    CommandFailed,
    UsedWrongly,
    progress,
    say,
    settings_from_environment,
    show,
    show_list,
)
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import clock_from_environment

COLUMNS = ("run_id", "cause", "session", "state", "started_at", "seconds", "portfolios", "portfolios_failed")
FAILING_COLUMNS = ("portfolio_id", "reason", "attempts", "failing_since", "next_attempt_at", "detail")
LOOK_SECONDS = 0.5

Portfolios: TypeAlias = Annotated[
    list[UUID] | None, typer.Option("--portfolio", help="Only this portfolio; may be repeated.")
]
Owner: TypeAlias = Annotated[str | None, typer.Option(help="Only this owner's portfolios.")]
Wait: TypeAlias = Annotated[bool, typer.Option("--wait", help="Follow the run to its end; 1 if it left anybody out.")]
Run: TypeAlias = Annotated[UUID | None, typer.Argument(metavar="[RUN]")]

app = typer.Typer(help="The valuing of portfolios. Runs are worked by the running services of portfolio-refresh.")


@app.command()
def start(
    *,
    session: Annotated[
        str, typer.Option(help="The published session, as a check; `current` takes what it is.")
    ] = "current",
    portfolios: Portfolios = None,
    owner: Owner = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Value whoever is behind, now, without waiting for the sweeper. Portfolios up to date are not touched."""
    whose, wanted = _whose(portfolios, owner), _session(session)
    _order(lambda orders: orders.start(whose, wanted), wait=wait, as_json=as_json)


@app.command()
def backfill(
    *,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first session to fold again.")],
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The last one in doubt; else the published session."),
    ] = None,
    portfolios: Portfolios = None,
    owner: Owner = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Fold again from a session on, through the present: every session stands on the one before.

    Portfolios that began after `--to` are left alone. What comes out the same is not written; the rest is a revision.
    """
    if last is not None and first > last:
        raise UsedWrongly(f"--from {first.date()} is after --to {last.date()}")
    whose, until = _whose(portfolios, owner), None if last is None else last.date()
    _order(lambda orders: orders.backfill(whose, first.date(), until), wait=wait, as_json=as_json)


@app.command("retry-failed")
def retry_failed(run: Run = None, *, wait: Wait = False, as_json: AsJson = False) -> None:
    """Try those again whom a run left out; without a run, all who are failing now, whatever their pause."""
    _order(lambda orders: orders.retry(run), wait=wait, as_json=as_json)


@app.command("list")
def list_them(limit: Annotated[int, typer.Option(min=1)] = 20, as_json: AsJson = False) -> None:
    """The newest runs."""

    async def reading() -> list[dict[str, Any]]:
        async with _database() as engine, engine.connect() as connection:
            return await list_runs(connection, limit=limit)

    show_list(asyncio.run(reading()), COLUMNS, as_json=as_json, none="no runs")


@app.command()
def status(run: Run = None, *, as_json: AsJson = False) -> None:
    """A run, the newest if none is named: how far it is, its chunks, whom it left out and why."""

    async def reading() -> dict[str, Any]:
        async with _database() as engine, engine.connect() as connection:
            newest = (await list_runs(connection, limit=1)) if run is None else []
            if run is None and not newest:
                raise CommandFailed("no run yet: a night plans one, or `riskstream refresh start`")
            return await _whole(connection, run or newest[0]["run_id"])

    _show(asyncio.run(reading()), as_json=as_json)


@app.command()
def failing(as_json: AsJson = False) -> None:
    """The portfolios that cannot be valued now, why, and when they are tried again."""

    async def reading() -> list[dict[str, Any]]:
        async with _database() as engine, engine.connect() as connection:
            return [asdict(one) for one in await failing_now(connection)]

    show_list(asyncio.run(reading()), FAILING_COLUMNS, as_json=as_json, none="no portfolio is failing")


def _order(give: Callable[[Orders], Awaitable[Ordered]], *, wait: bool, as_json: bool) -> None:
    """Give an order and show the run it came to: as planned, or with `wait` as it ended."""

    async def ordering() -> dict[str, Any]:
        async with _database() as engine:
            try:
                ordered = await give(_orders(engine))
            except OrderRefused as error:
                raise CommandFailed(str(error)) from error
            if wait:
                await _follow(engine, ordered.run_id)
            async with engine.connect() as connection:
                return {"is_new": ordered.is_new, **await _whole(connection, ordered.run_id)}

    found = asyncio.run(ordering())
    if not found["is_new"] and not as_json:
        say("the same was ordered before and is still worked on; this is that run")
    _show(found, as_json=as_json)
    if found["state"] == "completed_with_failures":
        raise typer.Exit(1)


async def _follow(engine: AsyncEngine, run_id: UUID) -> None:
    with progress("waiting for a worker") as report:
        while True:
            async with engine.connect() as connection:
                run = await _found(connection, run_id)
            report(run["chunks"] - run["remaining"], run["chunks"], f"chunks of {run['portfolios']} portfolios")
            if run["state"] != "running":
                return
            await asyncio.sleep(LOOK_SECONDS)


async def _whole(connection: AsyncConnection, run_id: UUID) -> dict[str, Any]:
    run = await _found(connection, run_id)
    return run | {"chunk_list": await chunks_of(connection, run_id), "failures": await failures_of(connection, run_id)}


async def _found(connection: AsyncConnection, run_id: UUID) -> dict[str, Any]:
    run = await run_of(connection, run_id)
    if run is None:
        raise CommandFailed(f"no run {run_id}; `riskstream refresh list` has those there are")
    return run


def _show(run: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show(run, as_json=True)
        return
    chunks = run.pop("chunk_list")
    states = Counter(chunk["state"] for chunk in chunks)
    run.pop("is_new", None)
    run["chunks"] = f"{states['done']} done, {states['failed']} failed, {states['queued']} to do, of {len(chunks)}"
    run["failed_chunks"] = [_failed(chunk) for chunk in chunks if chunk["state"] == "failed"]
    run["failures"] = [
        {"": failure["portfolio_id"], f"{failure['reason']}:": failure["detail"]} for failure in run["failures"]
    ]
    del run["remaining"], run["chunks_failed"]
    show(run, as_json=False)


def _failed(chunk: Mapping[str, Any]) -> dict[str, Any]:
    return {"chunk": chunk["chunk"], "portfolios": chunk["portfolios"], "reason": chunk["reason"]}


def _whose(portfolios: list[UUID] | None, owner: str | None) -> Whose:
    if portfolios and owner is not None:
        raise UsedWrongly("say whose by --portfolio or by --owner, not by both")
    return Whose(tuple(portfolios) if portfolios else None, owner)


def _session(said: str) -> date | None:
    if said == "current":
        return None
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        raise UsedWrongly(f"--session {said!r} is neither `current` nor a day such as 2024-12-13") from error


@asynccontextmanager
async def _database() -> AsyncIterator[AsyncEngine]:
    settings = settings_from_environment(CommandSettings)
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application="riskstream", pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


def _orders(engine: AsyncEngine) -> Orders:
    settings = settings_from_environment(CommandSettings)
    limits = ChunkLimits(settings.chunk_portfolios, settings.chunk_positions)
    outbox = Outbox(schema.SCHEMA, "/services/portfolio-refresh", clock=clock_from_environment())
    return Orders(engine, Planner(outbox), limits, fold_snapshots=settings.fold_snapshots)
