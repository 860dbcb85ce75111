"""The process `symbol-batch`: its parts are made and wired here, and nowhere else; and the commands beside serving."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.command_line import settings_from_environment
from riskstream.command_line.starting import run_and_exit
from riskstream.database.engine import answers, create_engine
from riskstream.database.migrations import MIGRATOR_VARIABLE, migrate_as_told
from riskstream.database.partitions import MEASURE_SECONDS, Partitions
from riskstream.database.silent_sessions import WATCH_SECONDS, end_silent_sessions
from riskstream.events.event import Event
from riskstream.events.symbol import SymbolRequested
from riskstream.messaging.consumer import Consumer
from riskstream.messaging.inbox import forget_old
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.settlement import Handler
from riskstream.messaging.timing import consumer_timing, relay_timing
from riskstream.messaging.topic_settings import UNANSWERED_SECONDS, TopicSettings
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.clock import Clock, clock_from_environment
from riskstream.runtime.health import Health
from riskstream.runtime.probe import LOOK_SECONDS, Probe
from riskstream.runtime.rate_limits import RateLimits
from riskstream.runtime.service import HttpPart, Periodic, Service
from riskstream.runtime.settings import AuthSettings, RateSettings
from riskstream.runtime.telemetry import begin_telemetry
from symbol_batch import schema
from symbol_batch.api import create_app
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.freshness import Freshness
from symbol_batch.held_bars import measure_held_bars
from symbol_batch.new_symbols import NewSymbols, SymbolRequests
from symbol_batch.nightly import Night
from symbol_batch.prices import PriceIntake, Prices
from symbol_batch.provider_chain import provider_chain
from symbol_batch.schedule import Reconciler, RunSummary
from symbol_batch.settings import CommandSettings, SymbolBatchSettings

NAME = "symbol-batch"
REQUESTS_GROUP = f"{NAME}.requests"
FORGET_SECONDS = 3_600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wiring:
    """What serving and the commands share."""

    engine: AsyncEngine
    outbox: Outbox
    intake: PriceIntake
    reconciler: Reconciler
    new_symbols: NewSymbols


@asynccontextmanager
async def wired(settings: SymbolBatchSettings, clock: Clock) -> AsyncIterator[Wiring]:
    """Make the parts; their connections and threads are closed at the end."""
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application=NAME, pool_size=settings.pool_size)
    provider = provider_chain(settings, engine, clock)
    intake, urgent_intake = (
        PriceIntake(
            engine,
            asked,
            clock,
            history_from=settings.history_from,
            chunk_symbols=settings.chunk_symbols,
            second_sources=provider.members,
        )
        for asked in (provider, provider.urgent)
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
        Night(
            engine,
            intake,
            companies,
            outbox,
            clock,
            residual_nights=settings.residual_nights,
            not_found_sessions=settings.not_found_sessions,
            second_sources=provider.members,
        ),
        clock,
        every=settings.reconcile_seconds,
        lease_seconds=settings.lease_seconds,
        retry_seconds=settings.night_retry_seconds,
        attempts=settings.night_attempts,
        build=settings.build,
    )
    new_symbols = NewSymbols(
        engine,
        urgent_intake,
        companies,
        outbox,
        clock,
        poll_seconds=settings.request_poll_seconds,
        lease_seconds=settings.lease_seconds,
        retry_seconds=settings.request_retry_seconds,
    )
    try:
        yield Wiring(engine, outbox, intake, reconciler, new_symbols)
    finally:
        await provider.aclose()
        await engine.dispose()


async def serve(clock: Clock) -> int:
    """Serve until SIGTERM; the exit code."""
    settings = settings_from_environment(SymbolBatchSettings)
    tokens = TokenVerifier(settings_from_environment(AuthSettings))
    limits = RateLimits(settings_from_environment(RateSettings))
    traces = begin_telemetry(NAME, clock, settings)
    async with wired(settings, clock) as wiring:
        handlers: dict[type[Event], Handler] = {SymbolRequested: SymbolRequests(wiring.outbox).requested}
        consumer = Consumer(
            wiring.engine,
            schema.SCHEMA,
            settings.brokers,
            REQUESTS_GROUP,
            handlers,
            clock=clock,
            timing=consumer_timing(settings),
        )
        relay = Relay(wiring.engine, schema.SCHEMA, settings.brokers, f"{NAME}-relay", timing=relay_timing(settings))
        postgres, topics = Probe("postgres", partial(answers, wiring.engine)), TopicSettings(settings)
        health = Health()
        health.add(REQUESTS_GROUP, consumer.state)
        health.add("postgres", postgres.state)
        health.add("relay", relay.state)
        health.add("topics", topics.state)
        health.add("reconciler", wiring.reconciler.health)
        freshness = Freshness(wiring.engine, clock)
        health.add("freshness", freshness.state)
        app = create_app(wiring.engine, tokens, health, limits)
        http = HttpPart(app, settings.http_host, settings.http_port, drain_seconds=settings.shutdown_seconds)
        host, port = http.address
        forget = partial(forget_old, wiring.engine, schema.SCHEMA)
        service = Service(NAME, health, shutdown_seconds=settings.shutdown_seconds)
        service.closes(traces.close)
        service.add("probe", Periodic("look for postgres", LOOK_SECONDS, postgres.look))
        service.add("topics", Periodic("compare topics", UNANSWERED_SECONDS, topics.look))
        service.add("requests", consumer)
        service.add("new symbols", wiring.new_symbols)
        service.add("reconciler", wiring.reconciler)
        service.add("freshness", Periodic("measure freshness", settings.reconcile_seconds, freshness.measure))
        held = partial(measure_held_bars, Prices(wiring.engine))
        service.add("held bars", Periodic("count held bars", settings.reconcile_seconds, held))
        service.add("inbox", Periodic("forget old inbox rows", FORGET_SECONDS, forget))
        watch = partial(end_silent_sessions, wiring.engine)
        service.add("silent sessions", Periodic("end silent sessions", WATCH_SECONDS, watch))
        partitions = Partitions(wiring.engine, schema.SCHEMA, schema.PARTITIONED, clock)
        service.add("partitions", Periodic("measure partitions", MEASURE_SECONDS, partitions.measure))
        service.add("relay", relay)
        service.add("http", http)
        log.info("listening", host=host, port=port)
        return await service.run()


async def reconcile(clock: Clock, *, as_json: bool) -> int:
    """Run what is due until nothing is, then the requested symbols; print what came of it. 1 if a run failed."""
    settings = settings_from_environment(CommandSettings)
    traces = begin_telemetry(NAME, clock, settings)
    try:
        async with wired(settings, clock) as wiring:
            summaries = await wiring.reconciler.reconcile(at_once=True)
            worked = await wiring.new_symbols.drain()
    finally:
        await traces.close()
    _print_runs(summaries, worked, as_json=as_json)
    return 1 if any(summary.state == "failed" for summary in summaries) else 0


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `symbol-batch`; without a word it serves."""
    options = _parser().parse_args(arguments)
    run_and_exit(NAME, lambda: asyncio.run(_told(options)))


async def _told(options: argparse.Namespace) -> int:
    clock = clock_from_environment()
    match options.command:
        case "migrate":
            return await migrate_as_told(schema.migrate, clock)
        case "reconcile":
            return await reconcile(clock, as_json=options.json)
        case _:
            return await serve(clock)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="Prices and exposures, once per symbol per session.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="run the service (the default)")
    commands.add_parser("migrate", help=f"bring the schema to its newest form, as {MIGRATOR_VARIABLE}")
    once = commands.add_parser("reconcile", help="run every due night now, then exit")
    once.add_argument("--json", action="store_true", help="one JSON object a run")
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
