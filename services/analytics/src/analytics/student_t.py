"""Value at risk and expected shortfall of Student's t, in units of its standard deviation."""

from functools import cache
from math import gamma, pi, sqrt


@cache
def value_at_risk(level: float, degrees: int) -> float:
    """The loss that is exceeded with probability `1 − level`, over the standard deviation.

    `t_ν⁻¹(level) · √((ν − 2)/ν)`: a t of ν degrees has variance ν/(ν − 2) (McNeil, Frey and Embrechts, Quantitative
    Risk Management, 2005, section 2.2). Raises ValueError as `distribution`, and for a level not between ½ and 1.
    """
    return _quantile(level, degrees) * sqrt((degrees - 2) / degrees)


@cache
def expected_shortfall(level: float, degrees: int) -> float:
    """The mean of the losses beyond `value_at_risk`, over the standard deviation.

    `f(q)/(1 − level) · (ν + q²)/(ν − 1)` of the unscaled t with density f and quantile q (ibid.).
    """
    quantile = _quantile(level, degrees)
    tail = density(quantile, degrees) / (1.0 - level) * (degrees + quantile**2) / (degrees - 1)
    return tail * sqrt((degrees - 2) / degrees)


def density(t: float, degrees: int) -> float:
    """Of the t distribution, unscaled."""
    constant = gamma((degrees + 1) / 2) / (sqrt(degrees * pi) * gamma(degrees / 2))
    return float(constant * (1.0 + t * t / degrees) ** (-(degrees + 1) / 2))


def distribution(t: float, degrees: int) -> float:
    """P(T ≤ t), unscaled, for even degrees of at least four, of which it is a finite sum.

    `½ + ½ sin θ (1 + ½ cos²θ + (1·3)/(2·4) cos⁴θ + … )` with tan θ = t/√ν, up to cos^(ν−2) (Abramowitz and Stegun,
    26.7.4). Raises ValueError for other degrees: an odd number has another sum, and under three there is no variance.
    """
    if degrees < 4 or degrees % 2:
        raise ValueError(f"{degrees} degrees of freedom: an even number of at least 4 is needed")
    cosine_squared = degrees / (degrees + t * t)
    term, total = 1.0, 1.0
    for power in range(2, degrees, 2):
        term *= (power - 1) / power * cosine_squared
        total += term
    return 0.5 + 0.5 * t / sqrt(degrees + t * t) * total


def _quantile(level: float, degrees: int) -> float:
    if not 0.5 < level < 1.0:
        raise ValueError(f"level {level}: a probability above 0.5 and below 1 is needed")
    low, high = 0.0, 1.0
    while distribution(high, degrees) < level:
        high *= 2.0
    # Halved until no number lies between them.
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if distribution(middle, degrees) < level else (low, middle)
    return high
