"""The process `portfolio-refresh`: its parts are made and wired here, and nowhere else."""

import argparse
import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from portfolio_refresh import schema
from portfolio_refresh.api import create_app
from portfolio_refresh.folding import Folding, FoldLimits
from portfolio_refresh.planner import ChunkLimits, Planner, SingleFolds
from portfolio_refresh.settings import PortfolioRefreshSettings
from portfolio_refresh.sweeper import Sweeper
from portfolio_refresh.worker import ChunkWorker
from riskstream.command_line import settings_from_environment
from riskstream.command_line.starting import run_and_exit
from riskstream.database.engine import answers, create_engine
from riskstream.database.migrations import migrate_as_told
from riskstream.database.partitions import MEASURE_SECONDS, Partitions
from riskstream.database.silent_sessions import WATCH_SECONDS, end_silent_sessions
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshRequested
from riskstream.events.symbol import SymbolBatchCompleted, SymbolFactorsUpdated, SymbolReady
from riskstream.messaging.consumer import Consumer, ConsumerLoop, IdempotentConsumer
from riskstream.messaging.inbox import forget_old
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.settlement import (
    TOGETHER_OUTSIDE,
    Handler,
    IdempotentHandler,
    Together,
    TogetherOutside,
)
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

NAME = "portfolio-refresh"
FOLDS_POLLED = 8
"""Records of the groups whose handlers take seconds: few, so that a partition taken back is not waited for long."""
CHANGES_POLLED = 4 * TOGETHER_OUTSIDE
"""Those are folded together."""
FORGET_SECONDS = 3_600.0

log = structlog.get_logger(__name__)


async def serve(clock: Clock) -> int:
    """Serve until SIGTERM; the exit code."""
    settings = settings_from_environment(PortfolioRefreshSettings)
    tokens = TokenVerifier(settings_from_environment(AuthSettings))
    limits = RateLimits(settings_from_environment(RateSettings))
    traces = begin_telemetry(NAME, clock, settings)
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application=NAME, pool_size=settings.pool_size)
    outbox = Outbox(schema.SCHEMA, f"/services/{NAME}", clock=clock)
    folding = Folding(
        engine,
        outbox,
        FoldLimits(
            portfolios=settings.chunk_portfolios, snapshots=settings.fold_snapshots, rounds=settings.fold_rounds
        ),
    )
    planner = Planner(outbox, ChunkLimits(settings.chunk_portfolios, settings.chunk_positions))
    singles = SingleFolds(engine, folding)
    worker = ChunkWorker(engine, folding, outbox, f"{socket.gethostname()}:{os.getpid()}")
    sweeper = Sweeper(
        engine,
        planner,
        outbox,
        grace_seconds=settings.sweep_grace_seconds,
        overdue_seconds=settings.chunk_overdue_seconds,
    )
    relay = Relay(engine, schema.SCHEMA, settings.brokers, f"{NAME}-relay", timing=relay_timing(settings))
    postgres, topics = Probe("postgres", partial(answers, engine)), TopicSettings(settings)

    def listen(kind: str, handlers: Mapping[type[Event], Handler]) -> ConsumerLoop:
        timing = consumer_timing(settings)
        return Consumer(engine, schema.SCHEMA, settings.brokers, f"{NAME}.{kind}", handlers, clock=clock, timing=timing)

    def listen_outside(
        kind: str, handlers: Mapping[type[Event], IdempotentHandler], polled: int = FOLDS_POLLED
    ) -> ConsumerLoop:
        timing = consumer_timing(settings).model_copy(update={"max_poll_records": polled})
        return IdempotentConsumer(
            engine, schema.SCHEMA, settings.brokers, f"{NAME}.{kind}", handlers, clock=clock, timing=timing
        )

    consumers = [
        listen("batch", {SymbolBatchCompleted: planner.batch_completed}),
        listen("revisions", {SymbolFactorsUpdated: Together(planner.factors_updated)}),
        listen_outside("changes", {PortfolioChanged: TogetherOutside(singles.portfolios_changed)}, CHANGES_POLLED),
        listen_outside("symbols", {SymbolReady: singles.symbol_ready}),
        listen_outside("chunks", {PortfolioRefreshRequested: worker.refresh_requested}),
    ]
    health = Health()
    for consumer in consumers:
        health.add(consumer.group, consumer.state)
    health.add("postgres", postgres.state)
    health.add("relay", relay.state)
    health.add("topics", topics.state)
    app = create_app(engine, tokens, health, limits)
    http = HttpPart(app, settings.http_host, settings.http_port, drain_seconds=settings.shutdown_seconds)
    host, port = http.address
    forget = partial(forget_old, engine, schema.SCHEMA)
    service = Service(NAME, health, shutdown_seconds=settings.shutdown_seconds)
    service.closes(traces.close)
    service.closes(engine.dispose)
    for consumer in consumers:
        service.add(consumer.group, consumer)
    service.add("probe", Periodic("look for postgres", LOOK_SECONDS, postgres.look))
    service.add("topics", Periodic("compare topics", UNANSWERED_SECONDS, topics.look))
    service.add("sweeper", Periodic("sweep", settings.sweep_seconds, sweeper.sweep))
    service.add("inbox", Periodic("forget old inbox rows", FORGET_SECONDS, forget))
    service.add("silent sessions", Periodic("end silent sessions", WATCH_SECONDS, partial(end_silent_sessions, engine)))
    partitions = Partitions(engine, schema.SCHEMA, schema.PARTITIONED, clock)
    service.add("partitions", Periodic("measure partitions", MEASURE_SECONDS, partitions.measure))
    service.add("relay", relay)
    service.add("http", http)
    log.info("listening", host=host, port=port)
    return await service.run()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `portfolio-refresh`; without a word it serves."""
    parser = argparse.ArgumentParser(prog=NAME, description="Every portfolio's valuation, when the symbols are done.")
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    command = parser.parse_args(arguments).command
    run_and_exit(NAME, lambda: asyncio.run(_told(command)))


async def _told(command: str) -> int:
    clock = clock_from_environment()
    return await (serve(clock) if command == "serve" else migrate_as_told(schema.migrate, clock))


if __name__ == "__main__":
    main()
