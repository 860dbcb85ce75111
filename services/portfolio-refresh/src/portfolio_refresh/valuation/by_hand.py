"""Prices that owners give by hand: of options and private holdings, from their day until the next."""

import numpy as np

from portfolio_refresh.valuation.arrays import DAY, Days, Floats, Ints

NO_SERIES = -1
"""Of a lot for which no price was ever given."""

_DAYS_A_SERIES = 1 << 32


class HandPrices:
    """The prices of several series, one series for each lot that has any."""

    def __init__(self, series: Ints, date: Days, price: Floats) -> None:
        """All (M,), in any order; `price` in USD per unit as of its date. A series has one price a date."""
        keys = _keys(series, date)
        order = np.argsort(keys)
        self._keys, self._series, self._date, self._price = keys[order], series[order], date[order], price[order]

    def last(self, series: Ints, date: Days) -> tuple[Floats, Days]:
        """The last price at or before each date, and its date: NaN and NaT where there is none. Both broadcast."""
        series, date = np.broadcast_arrays(series, date)
        if not len(self._keys):
            return np.full(series.shape, np.nan), np.full(series.shape, np.datetime64("NaT"), dtype=DAY)
        place = np.searchsorted(self._keys, _keys(series, date), side="right") - 1
        found = (place >= 0) & (self._series[place] == series)
        return np.where(found, self._price[place], np.nan), np.where(found, self._date[place], np.datetime64("NaT"))


def _keys(series: Ints, date: Days) -> Ints:
    return np.asarray(series * _DAYS_A_SERIES + date.astype(DAY).astype(np.int64))
