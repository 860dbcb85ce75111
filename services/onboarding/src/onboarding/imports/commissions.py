"""What trades cost beside their price: read from brokers' columns, and shared among the lots that a trade made."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from onboarding.imports.cells import FEE_PLACES, LARGEST_NUMBER
from onboarding.imports.spelling import plain_number
from onboarding.imports.values import fit, is_absent, read_number


def commission(*texts: str, paid_below_zero: bool = False, decimal_comma: bool = False) -> str:
    """The sum of a trade's fees as one number, rounded half to even at 4 decimals; empty where there is none.

    Some files write what was paid below zero: `paid_below_zero`. A text that is no number comes back as it is: the
    rules refuse it, and show it.
    """
    total = Decimal(0)
    for text in texts:
        if is_absent(text.strip()):
            continue
        try:
            number = read_number(plain_number(text, decimal_comma=decimal_comma))
        except ValueError:
            return text
        if abs(number) > LARGEST_NUMBER:
            return text
        total += -number if paid_below_zero else number
    stored = fit(total, FEE_PLACES)
    return format(stored, "f") if stored else ""


def shared(fee: Decimal, shares: Sequence[Fraction]) -> list[Decimal]:
    """The fee in proportion to `shares`, each part with 4 decimals, none below zero; they add up to the fee exactly."""
    if not fee or len(shares) == 1:
        return [fee] * len(shares)
    total, so_far, given = sum(shares, Fraction(0)), Fraction(0), Decimal(0)
    parts = []
    for number in shares[:-1]:
        so_far += number
        exact = Fraction(fee) * so_far / total
        until_here = fit(Decimal(exact.numerator) / Decimal(exact.denominator), FEE_PLACES)
        parts.append(until_here - given)
        given = until_here
    return [*parts, fee - given] if shares else []
