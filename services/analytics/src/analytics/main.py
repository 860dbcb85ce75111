"""The process `analytics`: its parts are made and wired here, and nowhere else."""

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from analytics.answers import Answers
from analytics.api import create_app
from analytics.api_live import add_live_updates
from analytics.cache.process import ProcessCache
from analytics.cache.redis import RedisCache
from analytics.calendar import Calendar
from analytics.database import answers_as_before, create_pool
from analytics.heads import Heads
from analytics.hints import Hints
from analytics.lineage import Lineage
from analytics.live import LiveUpdates
from analytics.portfolios import Portfolios
from analytics.settings import AnalyticsSettings
from analytics.symbol_figures import SymbolFigures
from analytics.symbols import Symbols
from analytics.ticket import Tickets
from analytics.warming import RecentQuestions, Warming
from riskstream.command_line import settings_from_environment
from riskstream.command_line.starting import run_and_exit
from riskstream.messaging.listener import Listener
from riskstream.messaging.topic_settings import UNANSWERED_SECONDS, TopicSettings
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.browsers import open_to_browsers
from riskstream.runtime.clock import clock_from_environment
from riskstream.runtime.health import Health, State
from riskstream.runtime.heap import share_one_heap
from riskstream.runtime.probe import Probe
from riskstream.runtime.rate_limits import RateLimits
from riskstream.runtime.server_sent_events import EventStreams
from riskstream.runtime.service import HttpPart, Periodic, Service
from riskstream.runtime.settings import AuthSettings, BrowserSettings, RateSettings
from riskstream.runtime.telemetry import begin_telemetry

NAME = "analytics"

log = structlog.get_logger(__name__)


async def serve() -> int:
    """Run until told to stop; the exit code."""
    share_one_heap()
    clock = clock_from_environment()
    settings = settings_from_environment(AnalyticsSettings)
    tokens = TokenVerifier(settings_from_environment(AuthSettings))
    limits = RateLimits(settings_from_environment(RateSettings))
    browsers = settings_from_environment(BrowserSettings)
    traces = begin_telemetry(NAME, clock, settings)
    health = Health()
    service = Service(NAME, health, shutdown_seconds=settings.shutdown_seconds)
    service.closes(traces.close)

    dsn = settings.postgres_dsn.get_secret_value()
    lineage = Lineage()
    head_pool = await create_pool(
        dsn,
        application=f"{NAME} heads",
        size=settings.pool_size,
        statement_timeout=settings.head_timeout,
        lineage=lineage,
    )
    service.closes(head_pool.close)
    book_pool = await create_pool(
        dsn,
        application=f"{NAME} books",
        size=settings.book_pool_size,
        statement_timeout=settings.book_timeout,
        lineage=lineage,
    )
    service.closes(book_pool.close)
    redis = RedisCache(settings.redis_url, settings.redis_timing())
    service.closes(redis.close)

    tickets = Tickets(settings.redis_url, lives_seconds=settings.ticket_seconds, call_timeout=settings.ticket_timeout)
    service.closes(tickets.close)

    heads = Heads(head_pool, settings.head_timeout)
    symbols, calendar = Symbols(book_pool), Calendar(head_pool, settings.calendar_refresh)
    answers = Answers(
        heads=heads,
        portfolios=Portfolios(book_pool),
        symbols=symbols,
        calendar=calendar,
        process=ProcessCache(settings.process_cache_bytes),
        redis=redis,
        clock=clock,
        lineage=lineage,
    )
    recent = RecentQuestions(settings.warm_recent, settings.warm_questions)
    warming = Warming(recent, answers.answer, waiting=settings.warm_waiting)
    live = LiveUpdates(heads, calendar, clock, poll_seconds=settings.live_poll_seconds)
    streams = EventStreams(settings.stream_limits())
    listener = Listener(
        settings.brokers, Hints(answers, symbols, warming, live).handlers(), client_id=f"{NAME}-listener"
    )
    # Without events or Redis answers are slower, not wrong: a process that starts waits for them, but not for ever.
    probes = {
        "postgres": Probe("postgres", partial(answers_as_before, head_pool, lineage)),
        "kafka": Probe("kafka", listener.is_listening, patience=settings.start_patience),
        "redis": Probe("redis", redis.ping, patience=settings.start_patience),
    }
    topics = TopicSettings(settings)
    figures = SymbolFigures(book_pool, calendar, clock)
    app = create_app(answers, figures, recent, tokens, health, limits=limits)
    add_live_updates(app, live, streams, tickets)
    open_to_browsers(app, browsers)
    http = HttpPart(app, settings.http_host, settings.http_port, drain_seconds=settings.shutdown_seconds)

    health.add("topics", topics.state)
    health.add("listener", lambda: State(detail={"listening": listener.listening.is_set()}))
    service.add("lineage", lineage)
    service.add("listener", listener)
    service.add("warming", warming)
    service.add("live updates", live)
    service.add("streams", streams)
    for name, probe in probes.items():
        health.add(name, probe.state)
        service.add(f"probe of {name}", Periodic(f"look for {name}", settings.probe_interval, probe.look))
    service.add("topics", Periodic("compare topics", UNANSWERED_SECONDS, topics.look))
    service.add("http", http)
    host, port = http.address
    log.info("listening", host=host, port=port)
    return await service.run()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `analytics`: `serve`, which is also what it does without a word."""
    parser = argparse.ArgumentParser(prog=NAME, description="Risk analytics on demand.")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve", help="what to do (default: serve)")
    parser.parse_args(arguments)
    run_and_exit(NAME, lambda: asyncio.run(serve()))


if __name__ == "__main__":
    main()
