"""The arrays the arithmetic works on, and how they leave it."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]


def nullable(values: Floats) -> list[float | None]:
    """The numbers of an array of any shape in row order, None for NaN: what a database or JSON can take."""
    flat = values.ravel().astype(object)
    flat[np.isnan(values.ravel())] = None
    numbers: list[float | None] = flat.tolist()
    return numbers
