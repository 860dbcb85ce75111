"""The application, put together from what `main` or a test gives it."""

from fastapi import FastAPI

from onboarding.api.cash_flows import cash_flow_router
from onboarding.api.changes import change_router
from onboarding.api.exports import export_router
from onboarding.api.imports import import_router
from onboarding.api.lots import lot_router
from onboarding.api.portfolios import portfolio_router
from onboarding.api.prices import price_router
from onboarding.api.progress import progress_router
from onboarding.api.refusals import install_refusal_handlers
from onboarding.portfolios import Portfolios
from onboarding.progress import Progress
from onboarding.settings import OnboardingSettings
from riskstream.runtime.access import guard, own_data
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.clock import Clock
from riskstream.runtime.health import Health
from riskstream.runtime.openapi import operation_id
from riskstream.runtime.problems import install_problem_handlers
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits
from riskstream.runtime.server_sent_events import EventStreams


def create_app(
    portfolios: Portfolios,
    tokens: TokenVerifier,
    clock: Clock,
    settings: OnboardingSettings,
    health: Health,
    *,
    progress: Progress,
    streams: EventStreams,
    limits: RateLimits = UNLIMITED,
) -> FastAPI:
    """The HTTP application of onboarding."""
    app = FastAPI(
        title="Riskstream onboarding",
        summary="Portfolios in: JSON and CSV, all errors at once, a status that is always true.",
        version="1",
        generate_unique_id_function=operation_id,
    )
    guard(app, tokens, own_data, limits)
    app.include_router(portfolio_router(portfolios, clock, settings))
    app.include_router(import_router(portfolios, clock, settings))
    app.include_router(lot_router(portfolios, clock, settings))
    app.include_router(cash_flow_router(portfolios, clock, settings))
    app.include_router(price_router(portfolios, clock, settings))
    app.include_router(change_router(portfolios))
    app.include_router(export_router(portfolios))
    app.include_router(progress_router(portfolios, progress, streams))
    app.include_router(health.router())
    install_problem_handlers(app)
    install_refusal_handlers(app, settings.retry_after_seconds)
    return app
