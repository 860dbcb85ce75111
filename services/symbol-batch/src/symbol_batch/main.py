"""The process `symbol-batch`: its parts are made and wired here, and nowhere else; and the commands beside serving."""

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.database.engine import create_engine
from riskstream.database.migrations import MIGRATOR_VARIABLE, migrate_as_told
from riskstream.database.silent_sessions import WATCH_SECONDS, end_silent_sessions
from riskstream.events.event import Event
from riskstream.events.symbol import SymbolRequested
from riskstream.messaging.consumer import Consumer
from riskstream.messaging.inbox import forget_old
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.settlement import Handler
from riskstream.messaging.timing import consumer_timing
from riskstream.runtime.clock import Clock, clock_from_environment
from riskstream.runtime.health import Health
from riskstream.runtime.logs import configure_logs
from riskstream.runtime.service import HttpPart, Periodic, Service
from riskstream.symbology import InvalidSymbolError, normalise
from symbol_batch import schema
from symbol_batch.api import create_app
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.new_symbols import NewSymbols, SymbolRequests
from symbol_batch.nightly import Night
from symbol_batch.prices import PriceIntake
from symbol_batch.providers.yahoo import YahooProvider
from symbol_batch.schedule import Reconciler, RunSummary
from symbol_batch.settings import CommandSettings, SymbolBatchSettings
from symbol_batch.store import universe

NAME = "symbol-batch"
REQUESTS_GROUP = f"{NAME}.requests"
FORGET_SECONDS = 3_600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wiring:
    """What serving and the commands share."""

    engine: AsyncEngine
    outbox: Outbox
    reconciler: Reconciler
    new_symbols: NewSymbols


@asynccontextmanager
async def wired(settings: SymbolBatchSettings, clock: Clock) -> AsyncIterator[Wiring]:
    """Make the parts; their connections and threads are closed at the end."""
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application=NAME, pool_size=settings.pool_size)
    provider = YahooProvider(
        base=settings.yahoo_url, concurrency=settings.provider_concurrency, deadline=settings.provider_deadline
    )
    intake = PriceIntake(
        engine, provider, clock, history_from=settings.history_from, chunk_symbols=settings.chunk_symbols
    )
    companies = CompanyIntake(
        engine,
        provider,
        clock,
        enabled=settings.companies,
        profile_days=settings.profile_days,
        profile_seconds=settings.profile_seconds,
        fundamentals_seconds=settings.fundamentals_seconds,
        chunk_symbols=settings.chunk_symbols,
    )
    outbox = Outbox(schema.SCHEMA, f"/services/{NAME}", clock=clock)
    reconciler = Reconciler(
        engine,
        Night(engine, intake, companies, outbox, clock, residual_nights=settings.residual_nights),
        clock,
        every=settings.reconcile_seconds,
        lease_seconds=settings.lease_seconds,
        retry_seconds=settings.night_retry_seconds,
        attempts=settings.night_attempts,
    )
    new_symbols = NewSymbols(
        engine,
        intake,
        companies,
        outbox,
        clock,
        poll_seconds=settings.request_poll_seconds,
        lease_seconds=settings.lease_seconds,
        retry_seconds=settings.request_retry_seconds,
    )
    try:
        yield Wiring(engine, outbox, reconciler, new_symbols)
    finally:
        await provider.aclose()
        await engine.dispose()


async def serve(clock: Clock) -> int:
    """Serve until SIGTERM; the exit code."""
    settings = SymbolBatchSettings()
    configure_logs(NAME, clock, settings.log_format, settings.log_level)
    async with wired(settings, clock) as wiring:
        handlers: dict[type[Event], Handler] = {SymbolRequested: SymbolRequests(wiring.outbox).requested}
        consumer = Consumer(
            wiring.engine,
            schema.SCHEMA,
            settings.kafka,
            REQUESTS_GROUP,
            handlers,
            clock=clock,
            timing=consumer_timing(settings),
        )
        relay = Relay(wiring.engine, schema.SCHEMA, settings.kafka, f"{NAME}-relay")
        health = Health()
        health.add("requests", consumer.state)
        health.add("relay", relay.state)
        health.add("reconciler", wiring.reconciler.health)
        app = create_app(wiring.engine, health)
        http = HttpPart(app, settings.http_host, settings.http_port, drain_seconds=settings.shutdown_seconds)
        host, port = http.address
        forget = partial(forget_old, wiring.engine, schema.SCHEMA)
        service = Service(NAME, health, shutdown_seconds=settings.shutdown_seconds)
        service.add("requests", consumer)
        service.add("new symbols", wiring.new_symbols)
        service.add("reconciler", wiring.reconciler)
        service.add("inbox", Periodic("forget old inbox rows", FORGET_SECONDS, forget))
        watch = partial(end_silent_sessions, wiring.engine)
        service.add("silent sessions", Periodic("end silent sessions", WATCH_SECONDS, watch))
        service.add("relay", relay)
        service.add("http", http)
        log.info("listening", host=host, port=port)
        return await service.run()


async def reconcile(clock: Clock, *, as_json: bool) -> int:
    """Run what is due until nothing is, then the requested symbols; print what came of it. 1 if a run failed."""
    settings = CommandSettings()
    configure_logs(NAME, clock, settings.log_format, settings.log_level)
    async with wired(settings, clock) as wiring:
        summaries = await wiring.reconciler.reconcile(at_once=True)
        worked = await wiring.new_symbols.drain()
    _print_runs(summaries, worked, as_json=as_json)
    return 1 if any(summary.state == "failed" for summary in summaries) else 0


async def add_to_universe(clock: Clock, texts: Sequence[str]) -> int:
    """Make the symbols active: the next night takes them in."""
    try:
        symbols = [normalise(text) for text in texts]
    except InvalidSymbolError as error:
        sys.stderr.write(f"nothing was added: {error}\n")
        return 2
    engine = create_engine(CommandSettings().postgres_dsn.get_secret_value(), application=NAME)
    try:
        async with engine.begin() as connection:
            added = await universe.activate(connection, symbols, clock.now())
    finally:
        await engine.dispose()
    sys.stdout.write(f"{added} of {len(set(symbols))} symbols added\n")
    return 0


async def list_universe() -> int:
    """Print every symbol and its status."""
    engine = create_engine(CommandSettings().postgres_dsn.get_secret_value(), application=NAME)
    try:
        async with engine.connect() as connection:
            listed = await universe.list_universe(connection)
    finally:
        await engine.dispose()
    sys.stdout.writelines(f"{symbol}\t{status}\n" for symbol, status in listed)
    return 0


def symbols_in(file: Path) -> list[str]:
    """The symbols of a file: a CSV with a column `symbol`, or one a line; blank lines and # lines are skipped."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip() and line.lstrip()[0] != "#"]
    header = [name.strip().lower() for name in lines[0].split(",")] if lines else []
    if "symbol" not in header:
        return [line.strip() for line in lines]
    return [row[header.index("symbol")] for row in csv.reader(lines[1:])]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `symbol-batch`; without a word it serves."""
    options = _parser().parse_args(arguments)
    clock = clock_from_environment()
    match options.command:
        case "migrate":
            sys.exit(asyncio.run(migrate_as_told(schema.migrate, clock)))
        case "reconcile":
            sys.exit(asyncio.run(reconcile(clock, as_json=options.json)))
        case "universe" if options.action == "list":
            sys.exit(asyncio.run(list_universe()))
        case "universe":
            texts = [*options.symbols, *(symbols_in(options.file) if options.file else [])]
            sys.exit(asyncio.run(add_to_universe(clock, texts)))
        case _:
            sys.exit(asyncio.run(serve(clock)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="Prices and exposures, once per symbol per session.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="run the service (the default)")
    commands.add_parser("migrate", help=f"bring the schema to its newest form, as {MIGRATOR_VARIABLE}")
    once = commands.add_parser("reconcile", help="run every due night now, then exit")
    once.add_argument("--json", action="store_true", help="one JSON object a run")
    actions = commands.add_parser("universe", help="the symbols that every night works on").add_subparsers(
        dest="action", required=True
    )
    add = actions.add_parser("add", help="make symbols active")
    add.add_argument("symbols", nargs="*", metavar="SYMBOL")
    add.add_argument("--file", type=Path, help="one symbol a line, or a CSV with a column `symbol`")
    actions.add_parser("list", help="print symbols and their status")
    return parser


def _print_runs(summaries: Sequence[RunSummary], worked: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.writelines(json.dumps(summary.as_json()) + "\n" for summary in summaries)
        return
    if not summaries:
        sys.stdout.write("nothing is due\n")
    for summary in summaries:
        sys.stdout.write(
            f"{summary.session}  {summary.state}  edition {summary.edition or '-'}  attempt {summary.attempt}  "
            f"{summary.seconds:.1f} s{'  ' + summary.reason if summary.reason else ''}\n"
        )
        for step in summary.steps:
            rest = ", ".join(f"{name} {value}" for name, value in step.items() if name not in {"name", "seconds"})
            sys.stdout.write(f"    {step['name']:<18}{step['seconds']:>9.3f} s  {rest}\n")
    for symbol, end in worked:
        sys.stdout.write(f"requested {symbol}: {end}\n")


if __name__ == "__main__":
    main()
