"""A measure of all of an owner's portfolios together, and of which of them."""

from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import create_model

from analytics.evidence import Evidence
from analytics.measures.measure import AnyMeasure, Finding, Measure, Parameters, Result
from analytics.together import CombinedBook, LeftOutReason

R = TypeVar("R", bound=Result)


class PortfolioPart(Result):
    """A valuation that entered."""

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int


class PortfolioLeftOut(Result):
    """A portfolio that did not enter: it has no valuation of the session yet."""

    portfolio: UUID
    reason: LeftOutReason


class Together(Result, Generic[R]):
    """`figures` of the one book that the `portfolios` make up, computed from their positions."""

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: R


def together(measure: AnyMeasure) -> AnyMeasure:
    """The same measure, asked of a CombinedBook."""
    result = _named(measure.result)

    def compute(evidence: Evidence, parameters: Parameters) -> Finding[Result]:
        book = evidence.book
        assert isinstance(book, CombinedBook)
        finding = measure.compute(evidence, parameters)
        parts = [
            PortfolioPart(
                portfolio=part.portfolio,
                valuation=part.valuation,
                portfolio_version=part.portfolio_version,
                edition=part.edition,
            )
            for part in book.parts
        ]
        left_out = [PortfolioLeftOut(portfolio=one.portfolio, reason=one.reason) for one in book.left_out]
        return Finding(result(portfolios=parts, left_out=left_out, figures=finding.result), finding.coverage)

    compute.__doc__ = measure.compute.__doc__
    return Measure(
        name=f"portfolios/{measure.name}",
        summary=f"{measure.summary}, of all portfolios together",
        method=measure.method,
        parameters=measure.parameters,
        result=result,
        compute=compute,
        wants=measure.wants,
        posted=measure.posted,
    )


def _named(result: type[Result]) -> Any:
    """A class of its own, which has a name that documents and clients can show: `CombinedOverview`."""
    return create_model(f"Combined{result.__name__}", __base__=Together[result], __doc__=Together.__doc__)  # type: ignore[valid-type]
