"""The largest of each row, against sorting all of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from analytics.measures.stress_parts import largest
from riskstream.market.arrays import Floats


@given(
    amounts=arrays(
        np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 4).map(float)
    ),
    top=st.integers(0, 14),
)
def test_the_largest_come_first_and_of_equal_ones_the_first(amounts: Floats, top: int) -> None:
    expected = np.argsort(-amounts, axis=1, kind="stable")[:, :top]
    np.testing.assert_array_equal(largest(amounts, top), expected)
