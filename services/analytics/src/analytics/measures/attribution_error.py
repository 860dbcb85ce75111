"""How far the factors' part of an attribution may be off, as loadings are estimated."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.edition import Edition
from analytics.evenings import Evenings
from analytics.ledger import Ledger
from analytics.loading_errors import loading_errors_of, root_sum_of_squares
from analytics.loading_regressions import FACTORS
from analytics.pnl_parts import PnlParts
from riskstream.market.arrays import Bools, Floats

Reason = Literal["no_risk_model", "residuals_not_kept", "nothing_estimated"]


@dataclass(frozen=True)
class FactorPnlError:
    """Standard errors, USD, of the factors' P&L over some days; or a reason why nobody can say."""

    total: float | None
    by_factor: Floats | None
    """(8,)"""
    coverage: float | None
    """Share of what was attributed of which the error is known; None where nothing was."""
    reason: Reason | None


def factor_pnl_error(
    edition: Edition, ledger: Ledger, evenings: Evenings, parts: PnlParts, days: Bools
) -> FactorPnlError:
    """Of the sum over `days` (T,) of `Σ_i V_i β_ik f_k`, factor by factor and in all.

    A symbol's loadings of one day and of the next are of almost the same year: their error is one and the same over
    all days, that of the edition's regression, so that symbol i adds `(Σ_t V_it f_tk) · error_ik`. Over a range of a
    year this is more than what there is where holdings stay, as windows a year apart have errors of their own. Assumed
    loadings, and those of symbols that the edition does not hold, add nothing, which `coverage` says.
    """
    rows = edition.rows(ledger.symbols)
    held = np.flatnonzero(rows >= 0)
    errors = loading_errors_of(edition, rows[held])
    entered = (parts.entered & ~ledger.assumed)[days][:, held] & errors.known
    values = np.where(parts.entered, evenings.values[:-1], 0.0)[days]
    everything, known = np.abs(values).sum(), np.where(entered, values[:, held], 0.0)
    if everything == 0:
        return FactorPnlError(0.0, np.zeros(FACTORS), None, None)
    if not entered.any():
        return FactorPnlError(None, None, 0.0, _why_not(edition))
    moves = np.nan_to_num(ledger.factor_returns[days])
    scores = errors.scores(known.T @ moves, np.arange(len(held)))
    total = float(root_sum_of_squares(scores.sum(axis=1)))
    return FactorPnlError(total, root_sum_of_squares(scores), float(np.abs(known).sum() / everything), None)


def _why_not(edition: Edition) -> Reason:
    if edition.risk.factors is None:
        return "no_risk_model"
    return "nothing_estimated" if edition.risk.residuals_kept else "residuals_not_kept"
