"""Returns of an edition's symbols without holes: where a symbol has none, the one that the risk model gives it."""

from dataclasses import dataclass

import numpy as np

from analytics.risk_model import RiskModel
from riskstream.market.arrays import Bools, Floats


@dataclass(frozen=True)
class GivenReturns:
    """Of S symbols on T sessions, made once for an edition and looked up for every book."""

    returns: Floats
    """(S, T) the symbol's own; what the model says where it has none; 0 where neither is known."""
    given: Bools
    """(S, T) whether it is the model's."""
    unknown: Bools
    """(S, T) whether neither is known."""
    holed: Bools
    """(S,) whether the symbol lacks a return of its own on any session from `first` on."""
    first: int
    """The first session on which all factors are known: what lies before is before the edition's history. 0 where they
    never are, for then each symbol's own past is all there is."""


def given_returns(returns: Floats, risk: RiskModel, factor_returns: Floats) -> GivenReturns:
    """Fill the holes of `returns` (S, T) with `β'f` of `factor_returns` (T, 8): nothing specific.

    It makes a past quieter than it may have been (`domain.md` §4, historical replay).
    """
    found, missing = returns.copy(), np.isnan(returns)
    lacking = missing.any(axis=1)
    found[lacking] = np.where(missing[lacking], risk.betas[lacking] @ factor_returns.T, returns[lacking])
    unknown = np.isnan(found)
    found[unknown] = 0.0
    complete = np.flatnonzero(np.isfinite(factor_returns).all(axis=1))
    first = int(complete[0]) if len(complete) else 0
    holed: Bools = np.asarray(missing[:, first:].any(axis=1))
    return GivenReturns(found, missing & ~unknown, unknown, holed, first)
