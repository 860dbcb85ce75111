"""The arrays the arithmetic works on."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Days: TypeAlias = npt.NDArray[np.datetime64]
