"""How far a portfolio moves with each of the twelve factors."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from analytics.book import Book, Position
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.factors import FACTOR_NAMES, FACTORS
from analytics.holdings import outside_reason
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
    book, edition = evidence.book, evidence.edition
    why_not = [outside_reason(position, book.unknown_symbols) for position in book.positions]
    rows = edition.rows(tuple(position.symbol for position in book.positions))
    at_risk = book.market_values != 0
    eligible = np.array([reason is None for reason in why_not], dtype=bool) & (rows >= 0) & at_risk
    betas = np.full((len(rows), len(FACTORS)), np.nan)
    errors = np.full_like(betas, np.nan)
    betas[eligible] = edition.betas[rows[eligible]]
    errors[eligible] = edition.standard_errors[rows[eligible]]
    entered = ~np.isnan(betas)

    dollars = np.where(entered, book.market_values[:, None] * betas, 0.0).sum(axis=0)
    dollar_errors = _dollar_errors(rows, book.market_values, errors, entered)
    gross = float(np.abs(book.market_values).sum())
    covered = (np.abs(book.market_values)[:, None] * entered).sum(axis=0)
    result = FactorExposures(
        factors=[
            _exposure(
                book,
                edition,
                column,
                dollars=float(dollars[column]),
                dollar_error=float(dollar_errors[column]),
                coverage=float(covered[column] / gross) if gross > 0 else None,
                positions=int(entered[:, column].sum()),
            )
            for column in range(len(FACTORS))
        ],
        excluded=[
            exclusion
            for n in np.flatnonzero(at_risk & ~entered.all(axis=1))
            for exclusion in _exclusions(book.positions[n], why_not[n], edition, entered[n])
        ],
    )
    return Finding(result, float(covered.min() / gross) if gross > 0 else None)


def _dollar_errors(
    rows: NDArray[np.intp],
    market_values: NDArray[np.float64],
    errors: NDArray[np.float64],
    entered: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(F,) standard errors of the dollar exposures: each symbol's net value times its error, in quadrature."""
    symbols, group = np.unique(rows, return_inverse=True)
    values = np.where(entered, market_values[:, None] * errors, 0.0)
    by_symbol = np.zeros((len(symbols), values.shape[1]))
    np.add.at(by_symbol, group, values)
    return np.sqrt((by_symbol**2).sum(axis=0))  # type: ignore[no-any-return]  # numpy's stubs lose the type at sqrt


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


def _exclusions(
    position: Position, whole: str | None, edition: Edition, entered: NDArray[np.bool_]
) -> Iterable[Exclusion]:
    """One line per reason: most often a single one for all twelve."""
    factors_by_reason: dict[str, list[str]] = defaultdict(list)
    for column in np.flatnonzero(~entered):
        reason = whole or _missing_estimate(position.symbol, edition, int(column))
        factors_by_reason[reason].append(FACTORS[column])
    for reason, factors in factors_by_reason.items():
        yield Exclusion(
            position_id=position.position_id,
            symbol=position.symbol,
            market_value=position.market_value,
            reason=reason,
            factors=factors,
        )


def _missing_estimate(symbol: str, edition: Edition, column: int) -> str:
    if symbol not in edition.index:
        return "unknown"
    return edition.reasons.get((symbol, column), "not_estimated")


MEASURE = Measure(
    name="factor-exposures",
    summary="Exposure to each of the twelve factors",
    method="weights times each symbol's beta to each factor, one regression a factor (the styles jointly, by ridge)",
    parameters=Parameters,
    result=FactorExposures,
    compute=compute,
)
