"""What an edition says of each lot's exposure to the twelve factors."""

from dataclasses import dataclass

import numpy as np

from analytics.book import Book
from analytics.edition import Edition
from analytics.factors import FACTORS
from riskstream.market.arrays import Bools, Floats


@dataclass(frozen=True)
class LotExposures:
    """Of N lots to F factors, in the order of the book's positions."""

    betas: Floats
    """(N, F), NaN where there is none, and for a lot of which nothing can be estimated or that is worth nothing."""
    standard_errors: Floats
    """(N, F), likewise."""
    entered: Bools
    """(N, F) whether there is a beta."""


def lot_exposures(book: Book, edition: Edition) -> LotExposures:
    """Look them up."""
    rows = edition.rows(book.columns.symbols)
    eligible = (rows >= 0) & (book.market_values != 0)
    eligible[list(book.outside)] = False
    betas, errors = np.full((len(rows), len(FACTORS)), np.nan), np.full((len(rows), len(FACTORS)), np.nan)
    betas[eligible] = edition.betas[rows[eligible]]
    errors[eligible] = edition.standard_errors[rows[eligible]]
    return LotExposures(betas, errors, ~np.isnan(betas))
