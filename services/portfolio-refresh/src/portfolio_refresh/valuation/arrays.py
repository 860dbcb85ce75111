"""The array types of the arithmetic, and the one way a date becomes a place in the calendar."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Days: TypeAlias = npt.NDArray[np.datetime64]

DAY = "datetime64[D]"


def session_on_which_it_counts(calendar: Days, dates: Days) -> Ints:
    """The index in `calendar` of each date, or of the next session where the date has none.

    A date after the last session gets `len(calendar)`, which no session reaches; so does NaT.
    """
    places = np.searchsorted(calendar, dates, side="left")
    return np.where(np.isnat(dates), len(calendar), places).astype(np.int64)
