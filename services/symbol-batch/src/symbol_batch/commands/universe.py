"""`riskstream universe`: the symbols that every night works on."""

import asyncio
import csv
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.command_line import AsJson, CommandFailed, UsedWrongly, say, show, show_list
from riskstream.runtime.clock import clock_from_environment
from symbol_batch import universe
from symbol_batch.commands.connection import database, normalised
from symbol_batch.store import universe as store

T = TypeVar("T")

COLUMNS = ("symbol", "status", "added_at", "not_found_sessions", "deactivation_reason", "renamed_to")

Symbols: TypeAlias = Annotated[list[str] | None, typer.Argument(metavar="[SYMBOL]...")]
File: TypeAlias = Annotated[Path | None, typer.Option(help="One symbol a line, or a CSV with a column `symbol`.")]

app = typer.Typer(help="The symbols that every night works on.")


@app.command("list")
def list_symbols(
    symbols: Symbols = None,
    status: Annotated[str | None, typer.Option(help="Only the active or the inactive ones.")] = None,
    as_json: AsJson = False,
) -> None:
    """Symbols, their status, and why they are left out."""
    if status not in {None, "active", "inactive"}:
        raise UsedWrongly(f"--status is active or inactive, not {status!r}")
    wanted = normalised(symbols) if symbols else None

    async def reading(connection: AsyncConnection) -> list[dict[str, Any]]:
        return await store.list_universe(connection, wanted, status=status)

    show_list(_in_a_transaction(reading), COLUMNS, as_json=as_json, none="no symbols")


@app.command()
def add(symbols: Symbols = None, file: File = None, as_json: AsJson = False) -> None:
    """Make symbols active: the next night takes them in."""
    wanted = _named(symbols, file)

    async def adding(connection: AsyncConnection) -> list[str]:
        return await universe.add(connection, wanted, _now())

    _tell("added", wanted, _in_a_transaction(adding), as_json=as_json)


@app.command()
def deactivate(
    *,
    symbols: Symbols = None,
    file: File = None,
    reason: Annotated[str, typer.Option(help="Holders are told it.")] = "deactivated by an operator",
    as_json: AsJson = False,
) -> None:
    """Leave symbols out of the nights to come. What is published of them stays."""
    wanted = _named(symbols, file)

    async def dropping(connection: AsyncConnection) -> list[str]:
        return await universe.deactivate(connection, wanted, reason, _now())

    _tell("deactivated", wanted, _in_a_transaction(dropping), as_json=as_json)


@app.command()
def reactivate(symbols: Symbols = None, file: File = None, as_json: AsJson = False) -> None:
    """Make symbols active again; those that the current edition lacks are asked for at once."""
    wanted = _named(symbols, file)

    async def taking_back(connection: AsyncConnection) -> list[str]:
        return await universe.reactivate(connection, wanted, _now())

    _tell("reactivated", wanted, _in_a_transaction(taking_back), as_json=as_json)


@app.command()
def rename(
    old: str,
    new: str,
    effective: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Its first session under the new name; today if not said."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a symbol go on under another name, with its history and its holders."""
    [ours], [theirs] = normalised([old]), normalised([new])
    since: date = clock_from_environment().today() if effective is None else effective.date()

    async def renaming(connection: AsyncConnection) -> None:
        await universe.rename(connection, ours, theirs, since, _now())

    _in_a_transaction(renaming)
    if as_json:
        show({"symbol": ours, "renamed_to": theirs, "effective": since}, as_json=True)
    else:
        say(f"{ours} goes on as {theirs} from {since}")


def symbols_in(file: Path) -> list[str]:
    """The symbols of a file: a CSV with a column `symbol`, or one a line; blank lines and # lines are skipped."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip() and line.lstrip()[0] != "#"]
    header = [name.strip().lower() for name in lines[0].split(",")] if lines else []
    if "symbol" not in header:
        return [line.strip() for line in lines]
    return [row[header.index("symbol")] for row in csv.reader(lines[1:])]


def _named(symbols: list[str] | None, file: Path | None) -> list[str]:
    try:
        texts = [*(symbols or ()), *(symbols_in(file) if file else ())]
    except UnicodeDecodeError as error:
        raise UsedWrongly(f"{file} is not UTF-8 (byte {error.start}); save it as such") from error
    if not texts:
        raise UsedWrongly("say which symbols: by name, or --file with one a line")
    return normalised(texts)


def _in_a_transaction(work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    async def doing() -> T:
        async with database() as engine, engine.begin() as connection:
            return await work(connection)

    try:
        return asyncio.run(doing())
    except universe.UniverseRefusal as error:
        raise CommandFailed(f"nothing was changed: {error}") from error


def _tell(what: str, asked: list[str], changed: list[str], *, as_json: bool) -> None:
    if as_json:
        for symbol in asked:
            show({"symbol": symbol, what: symbol in changed}, as_json=True)
    else:
        say(f"{len(changed)} of {len(asked)} symbols {what}")


def _now() -> datetime:
    return clock_from_environment().now()
