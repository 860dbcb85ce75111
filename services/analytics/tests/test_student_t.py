"""Constants of a heavy tail against scipy's and against the ruling's."""

import numpy as np
import pytest
from scipy import integrate, stats

from analytics.student_t import density, distribution, expected_shortfall, value_at_risk


def test_the_rulings_constants_for_six_degrees() -> None:
    assert [round(value_at_risk(level, 6), 3) for level in (0.95, 0.99)] == [1.587, 2.566]
    assert [round(expected_shortfall(level, 6), 3) for level in (0.95, 0.99)] == [2.213, 3.293]


@pytest.mark.parametrize("degrees", [4, 6, 8, 30])
@pytest.mark.parametrize("level", [0.6, 0.9, 0.95, 0.99, 0.9999])
def test_quantile_and_tail_mean_equal_scipys(level: float, degrees: int) -> None:
    scaled = stats.t(degrees, scale=np.sqrt((degrees - 2) / degrees))
    assert scaled.std() == pytest.approx(1.0)
    assert value_at_risk(level, degrees) == pytest.approx(scaled.ppf(level), rel=1e-10)
    quantile = scaled.ppf(level)
    beyond, _ = integrate.quad(lambda loss: loss * scaled.pdf(loss), quantile, np.inf, epsabs=1e-14, epsrel=1e-12)
    assert expected_shortfall(level, degrees) == pytest.approx(beyond / (1 - level), rel=1e-8)


@pytest.mark.parametrize("t", [-7.0, -0.3, 0.0, 1.0, 12.0])
@pytest.mark.parametrize("degrees", [4, 6, 10])
def test_density_and_distribution_equal_scipys(t: float, degrees: int) -> None:
    assert distribution(t, degrees) == pytest.approx(stats.t(degrees).cdf(t), rel=1e-10)
    assert density(t, degrees) == pytest.approx(stats.t(degrees).pdf(t), rel=1e-12)


@pytest.mark.parametrize("degrees", [-2, 0, 2, 3, 5])
def test_degrees_without_the_sum_are_refused(degrees: int) -> None:
    with pytest.raises(ValueError, match="even number of at least 4"):
        value_at_risk(0.95, degrees)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 1.5, float("nan")])
def test_levels_that_are_no_tail_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match=r"above 0\.5 and below 1"):
        expected_shortfall(level, 6)
