"""What became of one share: products of the ratios that have gone ex."""

import numpy as np

from portfolio_refresh.valuation.arrays import DAY, Days, Floats, Ints

_DAYS_A_SYMBOL = 1 << 32
"""Keys are symbol · this + day: wide enough for every date, so that one search finds symbol and date at once."""


class Ratios:
    """The running product of each symbol's ratios, over the whole ledger from its first action on.

    Always from the first action, never from where a fold begins: two folds then read the same bits.
    """

    def __init__(self, symbol: Ints, ex_date: Days, ratio: Floats) -> None:
        """One entry per action, all (A,), in any order; `symbol` is an index."""
        keys = _keys(symbol, ex_date)
        order = np.lexsort((ratio, keys))
        self._keys = keys[order]
        self._symbols = symbol[order]
        products: list[float] = []
        for place, (index, factor) in enumerate(zip(self._symbols.tolist(), ratio[order].tolist(), strict=True)):
            continued = place > 0 and self._symbols[place - 1] == index
            products.append(products[-1] * factor if continued else factor)
        self._products = np.array(products, dtype=np.float64)

    @property
    def symbols(self) -> Ints:
        """The symbols that have any action."""
        return np.unique(self._symbols)

    def until(self, symbol: Ints, date: Days) -> Floats:
        """The product of the ratios with `ex_date ≤ date`: 1 where there is none, and for a symbol of −1 or a NaT.

        `symbol` and `date` broadcast.
        """
        symbol, date = np.broadcast_arrays(symbol, date)
        if not len(self._keys):
            return np.ones(symbol.shape)
        place = np.searchsorted(self._keys, _keys(symbol, date), side="right") - 1
        found = (place >= 0) & (self._symbols[place] == symbol) & ~np.isnat(date)
        return np.where(found, self._products[place], 1.0)

    def before(self, symbol: Ints, date: Days) -> Floats:
        """The product of the ratios with `ex_date < date`."""
        return self.until(symbol, date - np.timedelta64(1, "D"))


def _keys(symbol: Ints, date: Days) -> Ints:
    days = np.where(np.isnat(date), np.datetime64(0, "D"), date).astype(DAY).astype(np.int64)
    return symbol.astype(np.int64) * _DAYS_A_SYMBOL + days
