"""The HTTP side of analytics: one address per measure, and problems for what cannot be answered."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from analytics.answers import Answers, Layer, Served
from analytics.api_symbols import symbol_routes
from analytics.cache.answer import Question
from analytics.freshness import Age
from analytics.heads import NotValuedYetError, UnknownPortfolioError
from analytics.measures import MEASURES, TOGETHER
from analytics.measures.measure import AnyMeasure, Result, UnanswerableError
from analytics.portfolios import BookGoneError, NoneValuedYetError, TooManyPortfoliosError
from analytics.symbol_figures import SymbolFigures
from analytics.unavailable import or_unavailable
from analytics.warming import RecentQuestions
from riskstream.runtime.access import guard, looking
from riskstream.runtime.auth import TokenVerifier, current_owner
from riskstream.runtime.conditional import is_unchanged, not_modified, under
from riskstream.runtime.health import Health
from riskstream.runtime.openapi import operation_id
from riskstream.runtime.problems import Problem, install_problem_handlers
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits

PORTFOLIO = "/api/v1/analytics/portfolio/{portfolio}"
PORTFOLIOS = "/api/v1/analytics/portfolios"
RETRY_AFTER_NOT_VALUED = "2"
_BESIDES: dict[int | str, dict[str, Any]] = {
    304: {"description": "The answer is the one that If-None-Match names."},
    404: {"description": "There is no such portfolio of yours."},
    409: {"description": "It has not been valued yet."},
    422: {"description": "A parameter makes no sense, or what was asked has no answer."},
}
_POSTED: dict[int | str, dict[str, Any]] = {400: {"description": "The body is not text."}}

R = TypeVar("R", bound=Result)
Endpoint: TypeAlias = Callable[..., Awaitable[Response]]


class TogetherBody(BaseModel, Generic[R]):
    """An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    measure: str
    method: str
    """How the numbers come about, in a line."""
    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """A change waits for its valuation; the answer is the last one's."""
    age: Age
    coverage: float | None
    """The share of gross market value that entered; null where there is none."""
    cache: Layer
    computed_at: datetime
    data: R


class AnswerBody(TogetherBody[R], Generic[R]):
    """An answer about one portfolio, and the valuation it belongs to."""

    portfolio: UUID
    valuation: int
    portfolio_version: int


def create_app(
    answers: Answers,
    figures: SymbolFigures,
    recent: RecentQuestions,
    tokens: TokenVerifier,
    health: Health,
    *,
    limits: RateLimits = UNLIMITED,
) -> FastAPI:
    """The application; it owns nothing and closes nothing."""
    app = FastAPI(
        title="Riskstream analytics",
        version="1",
        docs_url="/docs",
        redoc_url=None,
        generate_unique_id_function=operation_id,
    )
    guard(app, tokens, looking, limits)
    install_problem_handlers(app)
    # Addresses are compared one after the other: those that are asked for most come first, and in no router of theirs.
    for measure in MEASURES.values():
        _add_measure(app, measure, answers, recent)
    app.include_router(symbol_routes(figures))
    app.include_router(health.router())
    return app


def _add_measure(app: FastAPI, measure: AnyMeasure, answers: Answers, recent: RecentQuestions) -> None:
    """The measure of one portfolio, and of all of an owner's together.

    The owner is found by a call, not a dependency: FastAPI takes as long to find that a dependency needs nothing as for
    all the rest.
    """
    combined = TOGETHER[measure.name]

    def of_one(taken: Any) -> Endpoint:
        async def ask(request: Request, portfolio: UUID, parameters: taken) -> Response:
            owner, question = await current_owner(request), Question(measure, parameters)
            with _problems(f"There is no portfolio {portfolio} of yours."):
                served = await answers.answer(owner, portfolio, question)
            recent.remember(portfolio, question)
            return _reply(request, served, question, of_portfolio=True)

        return ask

    def of_all(taken: Any) -> Endpoint:
        async def ask(request: Request, parameters: taken) -> Response:
            owner, question = await current_owner(request), Question(combined, parameters)
            with _problems("You have no portfolio."):
                served = await answers.answer_together(owner, question)
            return _reply(request, served, question, of_portfolio=False)

        return ask

    forms = _forms(measure)
    for method, taken in forms:
        suffix = ", of your own" if method == "POST" and len(forms) > 1 else ""
        for address, shape, endpoint, one in (
            (PORTFOLIO, AnswerBody, of_one, measure),
            (PORTFOLIOS, TogetherBody, of_all, combined),
        ):
            app.add_api_route(
                f"{address}/{measure.name}",
                endpoint(taken),
                methods=[method],
                tags=[address.split("/")[4]],
                name=f"{one.name}{suffix}",
                summary=f"{one.summary}{suffix}",
                description=measure.compute.__doc__ or "",
                response_model=_named_answer(shape, one.result),
                responses=_BESIDES | (_POSTED if method == "POST" else {}),
            )


def _named_answer(shape: type[BaseModel], result: type[Result]) -> type[BaseModel]:
    """As documents and clients call it: `OverviewAnswer`, `CombinedOverviewAnswer`."""
    return create_model(f"{result.__name__}Answer", __base__=shape[result], __doc__=shape.__doc__)  # type: ignore[index]


def _forms(measure: AnyMeasure) -> list[tuple[str, Any]]:
    """The methods by which the measure is asked for, and how each takes the parameters."""
    parameters = measure.parameters
    if not measure.posted:
        return [("GET", Annotated[parameters, Query()])]
    try:
        usual = parameters()
    except ValidationError:  # there is nothing usual to ask
        return [("POST", parameters)]

    def as_usual() -> Any:
        return usual

    return [("POST", parameters), ("GET", Annotated[parameters, Depends(as_usual)])]


@contextmanager
def _problems(not_found: str) -> Iterator[None]:
    """What keeps an answer from being given, as the problem that says so."""
    try:
        with or_unavailable():
            yield
    except (UnknownPortfolioError, BookGoneError) as error:
        raise Problem(HTTPStatus.NOT_FOUND, "portfolio_not_found", not_found) from error
    except (NotValuedYetError, NoneValuedYetError) as error:
        raise Problem(
            HTTPStatus.CONFLICT,
            "not_valued_yet",
            "It has not been valued yet; its status at onboarding says what it waits for.",
            headers={"Retry-After": RETRY_AFTER_NOT_VALUED},
        ) from error
    except TooManyPortfoliosError as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "too_many_portfolios",
            f"You have {error}, which is the most that is computed as one; ask about them one by one.",
        ) from error
    except UnanswerableError as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "unanswerable",
            error.detail,
            errors=[{"where": error.field, "code": "unanswerable", "message": error.detail}],
        ) from error


def _reply(request: Request, served: Served, question: Question, *, of_portfolio: bool) -> Response:
    tag, known = _tag(served), request.headers.get("if-none-match")
    if is_unchanged(known, tag):
        return not_modified(tag)
    body = _body(served, question, of_portfolio=of_portfolio)
    return Response(body, media_type="application/json", headers=under(tag))


def _tag(served: Served) -> str:
    """Of all that the answer says but where it came from and when it was computed: hence a weak one."""
    key, age = served.answer.key, served.age
    seen = f"{'pending' if served.pending else 'settled'}.{age.last_due_session}.{age.level}"
    return f'W/"{key.lineage}.{key.valuation}.{key.edition}.{key.question}.{seen}"'


def _body(served: Served, question: Question, *, of_portfolio: bool) -> bytes:
    answer = served.answer
    whose: dict[str, Any] = {}
    if of_portfolio:
        whose = {
            "portfolio": answer.key.portfolio,
            "valuation": answer.key.valuation,
            "portfolio_version": answer.portfolio_version,
        }
    return orjson.dumps(
        whose
        | {
            "measure": question.measure.name,
            "method": question.measure.method,
            "parameters": question.parameters.model_dump(mode="json"),
            "as_of": answer.session,
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
