"""The process: the portfolio API, the relay of its outbox, and the sweeper of forgotten symbols."""

import argparse
import asyncio
from functools import partial

import structlog

from onboarding import schema
from onboarding.api import create_app
from onboarding.portfolios import Portfolios
from onboarding.progress import Progress
from onboarding.renames import LotRenamer
from onboarding.settings import OnboardingSettings
from onboarding.sweeper import SymbolSweeper
from riskstream.command_line import settings_from_environment
from riskstream.command_line.starting import run_and_exit
from riskstream.database.engine import answers, create_engine
from riskstream.database.migrations import migrate_as_told
from riskstream.database.silent_sessions import WATCH_SECONDS, end_silent_sessions
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.timing import relay_timing
from riskstream.messaging.topic_settings import UNANSWERED_SECONDS, TopicSettings
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.browsers import open_to_browsers
from riskstream.runtime.clock import Clock, clock_from_environment
from riskstream.runtime.health import Health
from riskstream.runtime.probe import LOOK_SECONDS, Probe
from riskstream.runtime.rate_limits import RateLimits
from riskstream.runtime.server_sent_events import EventStreams
from riskstream.runtime.service import HttpPart, Periodic, Service
from riskstream.runtime.settings import AuthSettings, BrowserSettings, RateSettings
from riskstream.runtime.telemetry import begin_telemetry

SERVICE = "onboarding"

log = structlog.get_logger(__name__)


def main() -> None:
    """The command `onboarding`: `serve`, which is the default, or `migrate`."""
    parser = argparse.ArgumentParser(prog=SERVICE, description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    command = parser.parse_args().command
    run_and_exit(SERVICE, lambda: asyncio.run(_told(command)))


async def _told(command: str) -> int:
    clock = clock_from_environment()
    return await (serve(clock) if command == "serve" else migrate_as_told(schema.migrate, clock))


async def serve(clock: Clock) -> int:
    """Serve until SIGTERM."""
    settings = settings_from_environment(OnboardingSettings)
    tokens = TokenVerifier(settings_from_environment(AuthSettings))
    limits = RateLimits(settings_from_environment(RateSettings))
    browsers = settings_from_environment(BrowserSettings)
    traces = begin_telemetry(SERVICE, clock, settings)
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application=SERVICE, pool_size=settings.pool_size)
    outbox = Outbox(schema.SCHEMA, f"/services/{SERVICE}", clock=clock)
    relay = Relay(engine, schema.SCHEMA, settings.brokers, f"{SERVICE}-relay", timing=relay_timing(settings))
    postgres, topics = Probe("postgres", partial(answers, engine)), TopicSettings(settings)
    sweeper = SymbolSweeper(engine, outbox, clock, settings)
    health = Health()
    health.add("postgres", postgres.state)
    health.add("relay", relay.state)
    health.add("topics", topics.state)
    progress = Progress(engine, poll_seconds=settings.progress_poll_ms / 1000)
    streams = EventStreams(settings.stream_limits())
    portfolios = Portfolios(engine, outbox, clock, settings)
    app = create_app(portfolios, tokens, clock, settings, health, progress=progress, streams=streams, limits=limits)
    open_to_browsers(app, browsers)
    http = HttpPart(app, settings.http_host, settings.http_port, drain_seconds=settings.shutdown_seconds)
    host, port = http.address
    service = Service(SERVICE, health, shutdown_seconds=settings.shutdown_seconds)
    service.closes(traces.close)
    service.closes(engine.dispose)
    service.add("probe", Periodic("look for postgres", LOOK_SECONDS, postgres.look))
    service.add("topics", Periodic("compare topics", UNANSWERED_SECONDS, topics.look))
    service.add("sweeper", Periodic("symbol sweep", settings.sweep_seconds, sweeper.sweep))
    service.add("renames", Periodic("rename lots", settings.sweep_seconds, LotRenamer(engine, outbox, clock).apply))
    service.add("silent sessions", Periodic("end silent sessions", WATCH_SECONDS, partial(end_silent_sessions, engine)))
    service.add("relay", relay)
    service.add("progress", progress)
    service.add("streams", streams)
    service.add("http", http)
    log.info("listening", host=host, port=port)
    return await service.run()


if __name__ == "__main__":
    main()
