"""The HTTP side of analytics: one address per measure, and problems for what cannot be answered."""

from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel

from analytics.answers import Answers, Layer, Served
from analytics.cache.answer import Question
from analytics.freshness import Level
from analytics.heads import NotValuedYetError, UnknownPortfolioError
from analytics.measures import MEASURES
from analytics.measures.measure import AnyMeasure, Parameters, Result, UnanswerableError
from analytics.portfolios import BookGoneError
from analytics.warming import RecentQuestions
from riskstream.messaging.errors import is_transient
from riskstream.runtime.access import guard, looking
from riskstream.runtime.auth import TokenVerifier, current_owner
from riskstream.runtime.conditional import is_unchanged, not_modified, under
from riskstream.runtime.health import Health
from riskstream.runtime.problems import Problem, install_problem_handlers
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits

ADDRESS = "/api/v1/analytics/portfolio"
RETRY_AFTER_NOT_VALUED = "2"
RETRY_AFTER_UNAVAILABLE = "5"

R = TypeVar("R", bound=Result)


class AgeBody(BaseModel):
    """`sessions` between the answer's session and the last one whose nightly run is due; null when it is not known."""

    sessions: int | None
    level: Level
    last_due_session: date | None


class AnswerBody(BaseModel, Generic[R]):
    """An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuation."""

    portfolio: UUID
    measure: str
    method: str
    """How the numbers come about, in a line."""
    parameters: dict[str, Any]
    as_of: date
    valuation: int
    portfolio_version: int
    edition: int
    run_id: UUID
    pending: bool
    age: AgeBody
    coverage: float | None
    cache: Layer
    computed_at: datetime
    data: R


def create_app(
    answers: Answers, recent: RecentQuestions, tokens: TokenVerifier, health: Health, limits: RateLimits = UNLIMITED
) -> FastAPI:
    """The application; it owns nothing and closes nothing."""
    app = FastAPI(title="Riskstream analytics", version="1", docs_url="/docs", redoc_url=None)
    guard(app, tokens, looking, limits)
    install_problem_handlers(app)
    # Addresses are compared one after the other: those that are asked for most come first, and in no router of theirs.
    for measure in MEASURES.values():
        _add_measure(app, measure, answers, recent)
    app.include_router(health.router())
    return app


def _add_measure(app: FastAPI, measure: AnyMeasure, answers: Answers, recent: RecentQuestions) -> None:
    async def reply(request: Request, portfolio: UUID, parameters: Parameters) -> Response:
        # Called, not depended on: FastAPI takes as long to find that a dependency needs nothing as for all the rest.
        owner = await current_owner(request)
        question = Question(measure, parameters)
        served = await _answer(answers, owner, portfolio, question)
        recent.remember(portfolio, question)
        tag = _tag(served)
        if is_unchanged(request, tag):
            return not_modified(tag)
        return Response(_body(served, question), media_type="application/json", headers=under(tag))

    async def ask(
        request: Request,
        portfolio: UUID,
        parameters: Annotated[measure.parameters, Query()],  # type: ignore[name-defined]  # known when this line runs
    ) -> Response:
        return await reply(request, portfolio, parameters)

    async def ask_as_usual(request: Request, portfolio: UUID) -> Response:
        return await reply(request, portfolio, measure.parameters())

    async def ask_in_full(request: Request, portfolio: UUID, parameters: measure.parameters) -> Response:  # type: ignore[name-defined]  # known when this line runs
        return await reply(request, portfolio, parameters)

    add = partial(
        app.add_api_route,
        f"{ADDRESS}/{{portfolio}}/{measure.name}",
        tags=["portfolios"],
        summary=measure.summary,
        description=measure.compute.__doc__ or "",
        response_model=AnswerBody[measure.result],  # type: ignore[name-defined]  # known when this line runs
    )
    if not measure.posted:
        add(ask, methods=["GET"], name=measure.name)
        return
    add(ask_in_full, methods=["POST"], name=f"{measure.name} of your own")
    if not any(field.is_required() for field in measure.parameters.model_fields.values()):
        add(ask_as_usual, methods=["GET"], name=measure.name)


async def _answer(answers: Answers, owner: str, portfolio: UUID, question: Question) -> Served:
    try:
        return await answers.answer(owner, portfolio, question)
    except (UnknownPortfolioError, BookGoneError) as error:
        raise Problem(
            HTTPStatus.NOT_FOUND, "portfolio_not_found", f"There is no portfolio {portfolio} of yours."
        ) from error
    except NotValuedYetError as error:
        raise Problem(
            HTTPStatus.CONFLICT,
            "not_valued_yet",
            f"Portfolio {portfolio} has not been valued yet; its status at onboarding says what it waits for.",
            headers={"Retry-After": RETRY_AFTER_NOT_VALUED},
        ) from error
    except UnanswerableError as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "unanswerable",
            error.detail,
            errors=[{"where": error.field, "code": "unanswerable", "message": error.detail}],
        ) from error
    except Exception as error:
        if not is_transient(error):
            raise
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The database cannot be reached, and no answer is given that might be an old one. Try again.",
            headers={"Retry-After": RETRY_AFTER_UNAVAILABLE},
        ) from error


def _tag(served: Served) -> str:
    """Of all that the answer says but where it came from and when it was computed: hence a weak one."""
    key, age = served.answer.key, served.age
    seen = f"{'pending' if served.pending else 'settled'}.{age.last_due_session}.{age.level}"
    return f'W/"{key.valuation}.{key.edition}.{key.question}.{seen}"'


def _body(served: Served, question: Question) -> bytes:
    answer = served.answer
    return orjson.dumps(
        {
            "portfolio": answer.key.portfolio,
            "measure": question.measure.name,
            "method": question.measure.method,
            "parameters": question.parameters.model_dump(mode="json"),
            "as_of": answer.session,
            "valuation": answer.key.valuation,
            "portfolio_version": answer.portfolio_version,
            "edition": answer.key.edition,
            "run_id": answer.run_id,
            "pending": served.pending,
            "age": served.age,
            "coverage": answer.coverage,
            "cache": served.layer,
            "computed_at": answer.computed_at,
            "data": orjson.Fragment(answer.data),
        }
    )
