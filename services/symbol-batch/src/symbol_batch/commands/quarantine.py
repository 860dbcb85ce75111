"""`riskstream quarantine`: bars that the quality gate holds back, and an operator's word on them."""

import asyncio
import getpass
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

import typer

from riskstream.command_line import AsJson, CommandFailed, UsedWrongly, say, show, show_list
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import clock_from_environment
from symbol_batch import schema
from symbol_batch.commands.connection import database, normalised
from symbol_batch.prices import NotDecidable, Prices, QuarantinedBar, Verdict
from symbol_batch.revisions import Decided, Revisions

COLUMNS = ("symbol", "session", "state", "close", "source", "rule", "reason", "held_at")
STATES = ("pending", "confirmed", "accepted", "rejected")

Symbol: TypeAlias = Annotated[str, typer.Argument(metavar="SYMBOL")]
Day: TypeAlias = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="SESSION")]
Note: TypeAlias = Annotated[str | None, typer.Option(help="Why; kept with the decision.")]
Who: TypeAlias = Annotated[str | None, typer.Option("--by", help="Who decides; the name of the account if not said.")]

app = typer.Typer(help="Bars that the quality gate holds back.")


@app.command("list")
def list_bars(
    symbol: Annotated[str | None, typer.Option(help="Only this symbol's.")] = None,
    state: Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}, or all.")] = "pending",
    limit: Annotated[int, typer.Option(min=1)] = 200,
    as_json: AsJson = False,
) -> None:
    """Bars that are held back, newest session first; with --state also those that were."""
    if state not in {*STATES, "all"}:
        raise UsedWrongly(f"--state is one of {', '.join(STATES)}, or all, not {state!r}")
    bars = asyncio.run(_bars(symbol, None, None if state == "all" else state, limit))
    show_list([_told(bar) for bar in bars], COLUMNS, as_json=as_json, none="no bar is held back")


@app.command("show")
def show_bar(symbol: Symbol, session: Day, as_json: AsJson = False) -> None:
    """A held bar whole: its figures, what goes ex with it, why it is held, what became of it."""
    bars = asyncio.run(_bars(symbol, session.date(), None, 1))
    if not bars:
        raise CommandFailed(f"no bar of {symbol} on {session.date()} is or was held back; `list --state all` has them")
    show(_told(bars[0]), as_json=as_json)


@app.command()
def accept(symbol: Symbol, session: Day, *, note: Note = None, who: Who = None, as_json: AsJson = False) -> None:
    """The bar is right: it becomes a price. In a published session that is a revision."""
    _decide(symbol, session.date(), "accept", who, note, as_json=as_json)


@app.command()
def reject(symbol: Symbol, session: Day, *, note: Note = None, who: Who = None, as_json: AsJson = False) -> None:
    """The bar is wrong: it stays out, and is not held again while its source repeats it."""
    _decide(symbol, session.date(), "reject", who, note, as_json=as_json)


async def _bars(symbol: str | None, session: date | None, state: Any, limit: int) -> list[QuarantinedBar]:
    symbols = None if symbol is None else normalised([symbol])
    async with database() as engine:
        states = None if state is None else [state]
        return await Prices(engine).quarantined(symbols, states=states, session=session, limit=limit)


def _decide(symbol: str, session: date, verdict: Verdict, who: str | None, note: str | None, *, as_json: bool) -> None:
    [wanted] = normalised([symbol])

    async def deciding() -> Decided:
        clock = clock_from_environment()
        async with database() as engine:
            revisions = Revisions(engine, Outbox(schema.SCHEMA, "/riskstream", clock=clock), clock)
            return await revisions.decide(wanted, session, verdict, who=who or getpass.getuser(), note=note)

    try:
        decided = asyncio.run(deciding())
    except NotDecidable as error:
        raise CommandFailed(f"nothing was decided: {error}") from error
    edition = None if decided.edition is None else decided.edition.number
    if as_json:
        show({"symbol": wanted, "session": session, "state": decided.state, "edition": edition}, as_json=True)
    else:
        published = f"; edition {edition} is published" if edition else ""
        say(f"the bar of {wanted} on {session} is {decided.state}{published}")


def _told(bar: QuarantinedBar) -> dict[str, Any]:
    return asdict(bar)
