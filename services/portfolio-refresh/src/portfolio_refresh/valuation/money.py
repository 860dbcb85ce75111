"""Amounts as whole ten-thousandths of a dollar, the scale they are stored with.

Every amount of a lot is computed in float64 and rounded once, half to even, to ten-thousandths. From there on it is an
integer: sums do not depend on their order, a fold continued is a fold in one go to the last digit, and what is shown
of the positions adds up to what is shown of the portfolio.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np

from portfolio_refresh.valuation.arrays import Floats, Ints

SCALE = 10_000
LARGEST = 9e14
"""USD. What integers of 64 bits hold at this scale, with room for a difference of two."""


def ten_thousandths(dollars: Floats) -> Ints:
    """Round amounts in USD to ten-thousandths, half to even, same shape.

    What is not finite or beyond `LARGEST` becomes 0: who calls has refused those before by `countable`.
    """
    counted = np.where(np.abs(dollars) <= LARGEST, dollars, 0.0)
    return np.asarray(np.rint(counted * SCALE), dtype=np.int64)


def exact_ten_thousandths(amount: Decimal) -> int:
    """The same for one amount of at most four decimals, without passing through a float.

    Raises OverflowError beyond `LARGEST`.
    """
    if abs(amount) > LARGEST:
        raise OverflowError(f"{amount} USD is more than the {LARGEST:.0e} that a valuation can count")
    return int((amount * SCALE).to_integral_value(ROUND_HALF_EVEN))


def dollars(amounts: Ints) -> Floats:
    """Ten-thousandths as USD in float64."""
    return amounts / SCALE
