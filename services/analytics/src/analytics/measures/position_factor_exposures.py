"""What each position has of the twelve factors, and what it brings to the portfolio's exposure."""

from math import isnan
from typing import Literal
from uuid import UUID

import numpy as np
from pydantic import Field

from analytics.book import Book, InvestmentClass, OutsideReason, Position
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.factors import FACTOR_NAMES, FACTORS
from analytics.lot_exposures import lot_exposures
from analytics.measures.measure import Finding, Measure, Parameters, Result
from riskstream.market.arrays import Bools, Floats


class PositionExposureParameters(Parameters):
    top: int = Field(default=50, ge=1, le=200, description="How many positions to list.")
    skip: int = Field(default=0, ge=0, le=1_000_000, description="How many of the largest to pass over first.")


class ExposureOfPosition(Result):
    """Of one position to one factor. Null with a `reason`, never 0, where it could not be estimated."""

    factor: str
    beta: float | None
    """Of the symbol, per unit of factor return, whichever way it is held."""
    standard_error: float | None
    """Classical."""
    contribution: float | None
    """Weight × beta, to the portfolio's exposure; null too where `weights_reason` says why there is no weight."""
    contribution_usd: float | None
    """Market value × beta."""
    reason: str | None
    """`option`, `private`, `unpriced`, `unknown`, or the estimate's own."""


class PositionExposures(Result):
    """One lot, amounts in USD."""

    position_id: UUID
    symbol: str
    investment_class: InvestmentClass
    market_value: float
    weight: float | None
    """Signed market value over NAV; null where `weights_reason` says why, or the lot has no price."""
    exposures: list[ExposureOfPosition]
    """The twelve."""


class TotalContribution(Result):
    """Of all positions that have the exposure, listed or not: the portfolio's own, as of `factor-exposures`."""

    factor: str
    name: str
    contribution: float | None
    contribution_usd: float | None
    reason: Literal["nav_not_positive", "no_position_has_it"] | None
    """`nav_not_positive` leaves the USD standing."""
    positions: int
    """Lots that entered."""


class PositionFactorExposures(Result):
    """Lots by absolute market value, largest first, ties by id; those closed on the session are left aside."""

    positions: list[PositionExposures]
    total_positions: int
    """As many as could be listed."""
    totals: list[TotalContribution]
    weights_reason: Literal["nav_not_positive"] | None


def compute(evidence: Evidence, parameters: PositionExposureParameters) -> Finding[PositionFactorExposures]:
    """`w_i β_{i,f}`, whose sum over positions is the portfolio's exposure (`domain.md` §4).

    The coverage of the whole is the smallest of the twelve factors'.
    """
    book, edition = evidence.book, evidence.edition
    found = lot_exposures(book, edition)
    dollars = book.market_values[:, None] * found.betas
    largest = np.flatnonzero(book.market_values)
    largest = largest[np.argsort(-np.abs(book.market_values[largest]), kind="stable")]
    gross = float(np.abs(book.market_values).sum())
    covered = np.abs(book.market_values) @ found.entered
    result = PositionFactorExposures(
        positions=[
            _position(
                book,
                edition,
                int(n),
                whole=book.outside.get(int(n)),
                betas=found.betas[n],
                errors=found.standard_errors[n],
            )
            for n in largest[parameters.skip : parameters.skip + parameters.top]
        ],
        total_positions=len(largest),
        totals=_totals(dollars, found.entered, book.snapshot.nav, gross),
        weights_reason=None if book.snapshot.nav > 0 else "nav_not_positive",
    )
    return Finding(result, min(float(covered.min() / gross), 1.0) if gross > 0 else None)


def _totals(dollars: Floats, entered: Bools, nav: float, gross: float) -> list[TotalContribution]:
    sums, lots = np.where(entered, dollars, 0.0).sum(axis=0), entered.sum(axis=0)
    found = []
    for column, slug in enumerate(FACTORS):
        # A book that holds nothing has exposure 0; one of which nothing entered has none that is known.
        known = gross == 0 or lots[column] > 0
        usd = float(sums[column]) if known else None
        found.append(
            TotalContribution(
                factor=slug,
                name=FACTOR_NAMES[slug],
                contribution=usd / nav if usd is not None and nav > 0 else None,
                contribution_usd=usd,
                reason="no_position_has_it" if not known else None if nav > 0 else "nav_not_positive",
                positions=int(lots[column]),
            )
        )
    return found


def _position(
    book: Book, edition: Edition, n: int, *, whole: OutsideReason | None, betas: Floats, errors: Floats
) -> PositionExposures:
    position = book.positions[n]
    weight = None if book.weights is None or position.price_status == "unpriced" else float(book.weights[n])
    return PositionExposures(
        position_id=position.position_id,
        symbol=position.symbol,
        investment_class=position.investment_class,
        market_value=position.market_value,
        weight=weight,
        exposures=[
            _exposure(
                position,
                edition,
                column,
                whole=whole,
                beta=beta,
                error=error,
                weight=weight,
            )
            for column, (beta, error) in enumerate(zip(betas.tolist(), errors.tolist(), strict=True))
        ],
    )


def _exposure(
    position: Position,
    edition: Edition,
    column: int,
    *,
    whole: OutsideReason | None,
    beta: float,
    error: float,
    weight: float | None,
) -> ExposureOfPosition:
    known = not isnan(beta)
    reason: str | None = None
    if not known:
        reason = whole or ("unknown" if position.symbol not in edition.index else None)
        reason = reason or edition.reasons.get((position.symbol, column), "not_estimated")
    return ExposureOfPosition(
        factor=FACTORS[column],
        beta=beta if known else None,
        standard_error=error if known and not isnan(error) else None,
        contribution=weight * beta if known and weight is not None else None,
        contribution_usd=position.market_value * beta if known else None,
        reason=reason,
    )


MEASURE = Measure(
    name="positions/factor-exposures",
    summary="Each position's exposure to the twelve factors, and what it brings to the portfolio's",
    method="each symbol's beta to each factor, one regression a factor (styles jointly, by ridge), times its weight",
    parameters=PositionExposureParameters,
    result=PositionFactorExposures,
    compute=compute,
)
