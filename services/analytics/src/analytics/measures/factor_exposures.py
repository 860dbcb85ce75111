"""How far a portfolio moves with each of the twelve factors."""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import numpy as np

from analytics.book import Book, Position
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.factors import FACTOR_NAMES, FACTORS
from analytics.measures.measure import Finding, Measure, Parameters, Result

BooksReason = Literal["nav_not_positive", "no_position_has_it"]


class FactorExposure(Result):
    """One factor. `beta` is null, with a reason, where no number would be true; it is never made up of zeros.

    `dollar_exposure` is USD of the factor held: beta × NAV. `coverage` is the share of gross market value that
    entered; null where gross is 0. `window` counts sessions.
    """

    factor: str
    name: str
    beta: float | None
    dollar_exposure: float | None
    standard_error: float | None
    reason: BooksReason | None
    coverage: float | None
    positions: int
    """How many lots entered."""
    method: str | None
    window: int | None


class Exclusion(Result):
    """A position that some factors do without. Its value is in NAV and in the denominator of coverage all the same."""

    position_id: UUID
    symbol: str
    market_value: float
    reason: str
    """`option`, `private`, `unpriced`, `unknown`, or the estimate's own reason for being null."""
    factors: list[str]


class FactorExposures(Result):
    """Twelve lenses published side by side, not normalised: a levered book exceeds 1. They do not add up."""

    factors: list[FactorExposure]
    excluded: list[Exclusion]


def compute(evidence: Evidence, _: Parameters) -> Finding[FactorExposures]:
    """`β_f = Σ w_i β_{i,f}` over the positions that have it, `w_i` signed market value over NAV (`domain.md` §4).

    The standard error is `sqrt(Σ w_i² se_{i,f}²)` over symbols: estimates of different symbols are taken as
    independent, while lots of one symbol share one estimate, so that their weights are added first and splitting a
    lot changes nothing. A position lacking the exposure is left out of the sum and named; it never counts as 0. A book
    without any value at risk (gross 0) has exposure 0. The coverage of the whole is the smallest of the twelve.
    """
    book, edition, holdings = evidence.book, evidence.edition, evidence.holdings
    of, rows, gross = edition.exposures, holdings.rows, holdings.gross
    known = of.known[rows]
    dollars = holdings.market_values @ of.betas[rows]
    dollar_errors = np.sqrt(holdings.market_values**2 @ of.variances[rows])
    covered, lots = holdings.gross_values @ known, holdings.lots @ known
    # Of each lot: whether it has all twelve. Those outside of the holdings are at place −1, the one that is added.
    whole = np.append(of.complete[rows], False)[holdings.place_of_lot]
    result = FactorExposures(
        factors=[
            _exposure(
                book,
                edition,
                column,
                dollars=float(dollars[column]),
                dollar_error=float(dollar_errors[column]),
                coverage=min(float(covered[column] / gross), 1.0) if gross > 0 else None,
                positions=int(lots[column]),
            )
            for column in range(len(FACTORS))
        ],
        excluded=[
            exclusion
            for n in np.flatnonzero((book.market_values != 0) & ~whole).tolist()
            for exclusion in _exclusions(book.positions[n], book.outside.get(n), edition)
        ],
    )
    return Finding(result, min(float(covered.min() / gross), 1.0) if gross > 0 else None)


def _exposure(
    book: Book,
    edition: Edition,
    column: int,
    *,
    dollars: float,
    dollar_error: float,
    coverage: float | None,
    positions: int,
) -> FactorExposure:
    slug = FACTORS[column]
    nav = book.snapshot.nav
    reason: BooksReason | None = None
    if nav <= 0:
        reason = "nav_not_positive"
    elif coverage == 0:
        reason = "no_position_has_it"
    known = reason is None
    return FactorExposure(
        factor=slug,
        name=FACTOR_NAMES[slug],
        beta=dollars / nav if known else None,
        dollar_exposure=dollars if known else None,
        standard_error=dollar_error / nav if known else None,
        reason=reason,
        coverage=coverage,
        positions=positions,
        method=edition.methods[column],
        window=edition.windows[column],
    )


def _exclusions(position: Position, whole: str | None, edition: Edition) -> Iterable[Exclusion]:
    """One line per reason: most often a single one for all twelve."""
    if whole is None and position.symbol not in edition.index:
        whole = "unknown"
    why = edition.gaps[position.symbol] if whole is None else {whole: range(len(FACTORS))}
    for reason, columns in why.items():
        yield Exclusion(
            position_id=position.position_id,
            symbol=position.symbol,
            market_value=position.market_value,
            reason=reason,
            factors=[FACTORS[column] for column in columns],
        )


MEASURE = Measure(
    name="factor-exposures",
    summary="Exposure to each of the twelve factors",
    method="weights times each symbol's beta to each factor, one regression a factor (the styles jointly, by ridge)",
    parameters=Parameters,
    result=FactorExposures,
    compute=compute,
)
