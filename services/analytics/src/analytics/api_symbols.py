"""The HTTP side of what is known of a symbol. It belongs to nobody: whoever may read may ask."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from analytics.factors import FACTORS
from analytics.measures.measure import Parameters
from analytics.symbol_answers import (
    ExposureHistory,
    SymbolAnswer,
    SymbolExposures,
    SymbolMetrics,
    SymbolPrices,
    SymbolProfile,
)
from analytics.symbol_figures import MOST_BARS, USUAL_BARS, NothingPublishedError, SymbolFigures, UnknownSymbolError
from analytics.unavailable import or_unavailable
from riskstream.runtime.conditional import is_unchanged, not_modified, under
from riskstream.runtime.problems import Problem
from riskstream.symbology import normalise

SYMBOL = "/api/v1/analytics/symbols/{symbol}"
RETRY_AFTER_NOT_PUBLISHED = "60"
LONGEST_HISTORY = 1_000
"""Sessions of one answer."""
_BESIDES: dict[int | str, dict[str, Any]] = {
    304: {"description": "The answer is the one that If-None-Match names."},
    404: {"description": "The symbol is not known."},
    409: {"description": "Nothing has been published yet."},
}


def _known_factor(factor: str) -> str:
    if factor not in FACTORS:
        raise ValueError(f"there is no such factor; the twelve are {', '.join(FACTORS)}")
    return factor


Symbol = Annotated[str, StringConstraints(max_length=30), AfterValidator(normalise)]


class Window(Parameters):
    """Days, both included. Those after the answer's session have nothing yet."""

    since: date | None = Field(default=None, description="From this day on.", examples=["2024-01-02"])
    until: date | None = Field(
        default=None, description="Up to this day; by default the answer's session.", examples=["2024-12-31"]
    )

    @model_validator(mode="after")
    def _forwards(self) -> "Window":
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("`since` lies after `until`")
        return self


class PriceWindow(Window):
    since: date | None = Field(
        default=None,
        description=f"From this day on; by default {USUAL_BARS} sessions. At most {MOST_BARS} bars are given at once.",
        examples=["2024-01-02"],
    )


class HistoryWindow(Window):
    factor: Annotated[str, AfterValidator(_known_factor)] = Field(
        default=FACTORS[0], description="One of the twelve.", json_schema_extra={"enum": list(FACTORS)}
    )
    limit: int = Field(default=252, ge=1, le=LONGEST_HISTORY, description="Sessions of one answer, the newest first.")


def symbol_routes(figures: SymbolFigures) -> APIRouter:
    """The addresses below `/api/v1/analytics/symbols/{symbol}`."""
    router = APIRouter(prefix=SYMBOL, tags=["symbols"], responses=_BESIDES)

    @router.get("/exposures", response_model=SymbolExposures)
    async def symbol_exposures(request: Request, symbol: Symbol) -> Response:
        """The twelve factor exposures of the current edition with their inference, and the risk model's loadings."""
        return await _reply(request, figures.exposures(symbol))

    @router.get("/exposures/history", response_model=ExposureHistory)
    async def symbol_exposure_history(
        request: Request, symbol: Symbol, window: Annotated[HistoryWindow, Query()]
    ) -> Response:
        """The exposure to one factor in the last edition of each session, newest first."""
        _refuse_future(window, figures.today)
        return await _reply(request, figures.history(symbol, window.factor, window.since, window.until, window.limit))

    @router.get("/prices", response_model=SymbolPrices)
    async def symbol_prices(request: Request, symbol: Symbol, window: Annotated[PriceWindow, Query()]) -> Response:
        """Bars as traded, with where they come from, and the corporate actions between them; newest first."""
        _refuse_future(window, figures.today)
        return await _reply(request, figures.prices(symbol, window.since, window.until))

    @router.get("/profile", response_model=SymbolProfile)
    async def symbol_profile(request: Request, symbol: Symbol) -> Response:
        """The company or fund: name, sector, shares, earnings and their next date."""
        return await _reply(request, figures.profile(symbol))

    @router.get("/metrics", response_model=SymbolMetrics)
    async def symbol_metrics(request: Request, symbol: Symbol) -> Response:
        """Price, returns over the usual horizons, betas, market capitalisation and price-earnings ratio."""
        return await _reply(request, figures.metrics(symbol))

    return router


def _refuse_future(window: Window, today: date) -> None:
    later = [(name, day) for name in ("since", "until") if (day := getattr(window, name)) is not None and day > today]
    if later:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_request",
            f"Nothing is known of days after {today}, which is today in New York.",
            errors=[
                {
                    "where": f"query.{name}",
                    "code": "date_in_the_future",
                    "message": f"it is after {today}",
                    "value": day,
                }
                for name, day in later
            ],
        )


async def _reply(request: Request, asked: Awaitable[SymbolAnswer]) -> Response:
    with _problems(), or_unavailable():
        answer = await asked
    body = answer.model_dump_json().encode()
    # Of the answer itself: prices and profiles change within an edition.
    tag = f'W/"{blake2b(body, digest_size=16).hexdigest()}"'
    if is_unchanged(request.headers.get("if-none-match"), tag):
        return not_modified(tag)
    return Response(body, media_type="application/json", headers=under(tag))


@contextmanager
def _problems() -> Iterator[None]:
    """What keeps an answer from being given, as the problem that says so."""
    try:
        yield
    except NothingPublishedError as error:
        raise Problem(
            HTTPStatus.CONFLICT,
            "nothing_published_yet",
            "No edition of the symbol layer has been published yet; the first nightly run is to do it.",
            headers={"Retry-After": RETRY_AFTER_NOT_PUBLISHED},
        ) from error
    except UnknownSymbolError as error:
        raise Problem(HTTPStatus.NOT_FOUND, "symbol_not_known", _not_known(error)) from error


def _not_known(error: UnknownSymbolError) -> str:
    if error.request is None:
        return f"{error.symbol} is not known. A symbol is asked for when a portfolio holds it, and known soon after."
    if error.request == "failed":
        return f"{error.symbol} was asked for, which failed: {error.reason or 'no reason was given'}."
    if error.request == "ready":
        return f"{error.symbol} was known once, and the current edition does not contain it."
    return f"{error.symbol} is being asked for ({error.request}); it is known when that is done."
