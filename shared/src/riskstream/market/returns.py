"""Total returns from as-traded closes and the ledger of corporate actions."""

import numpy as np

from riskstream.market.arrays import Bools, Floats


def total_returns(closes: Floats, ratios: Floats | None = None, dividends: Floats | None = None) -> Floats:
    """Simple total returns `r_t = (ratio_t·P_t + dividend_t) / P_{t−1} − 1`, in decimals.

    closes (T, S): as traded, one row per consecutive NYSE session, NaN where there is none. ratios (T, S), by default
    1: split or distribution ratio going ex on the row's session. dividends (T, S), by default 0: cash per share held
    before that session.

    Gives (T, S). The first row is NaN; a missing close makes the two adjoining returns NaN and never a return over
    several sessions.

    Raises ValueError for a close or ratio that is not positive, a negative dividend, an infinity, or unequal shapes.
    """
    ratios, dividends = _checked_ledger(closes, ratios, dividends)
    returns = np.full(closes.shape, np.nan)
    returns[1:] = (ratios[1:] * closes[1:] + dividends[1:]) / closes[:-1] - 1.0
    return returns


def total_return_index(closes: Floats, ratios: Floats | None = None, dividends: Floats | None = None) -> Floats:
    """Worth of one unit bought at a symbol's first close, everything received reinvested. Arguments as `total_returns`.

    Gives (T, S): 1 on the first close, NaN on sessions without a close. `index_b / index_a − 1` is the total return
    between two closes. Without gaps it is the compounded total return. Across a gap the ledger is applied in order and
    cash is reinvested at the next close there is, which is why it serves reporting and never a regression.
    """
    ratios, dividends = _checked_ledger(closes, ratios, dividends)
    index = np.full(closes.shape, np.nan)
    worth = np.ones(closes.shape[1])
    previous = np.full(closes.shape[1], np.nan)
    shares, cash = np.ones(closes.shape[1]), np.zeros(closes.shape[1])
    for row in range(closes.shape[0]):
        cash += shares * dividends[row]
        shares *= ratios[row]
        growth = (shares * closes[row] + cash) / previous
        priced = np.isfinite(closes[row])
        worth = np.where(np.isfinite(growth), worth * growth, worth)
        index[row] = np.where(priced, worth, np.nan)
        previous = np.where(priced, closes[row], previous)
        shares[priced], cash[priced] = 1.0, 0.0
    return index


def _checked_ledger(closes: Floats, ratios: Floats | None, dividends: Floats | None) -> tuple[Floats, Floats]:
    """The ledger with its defaults filled in, after refusing what no price or action can be."""
    ratios = np.ones(closes.shape) if ratios is None else ratios
    dividends = np.zeros(closes.shape) if dividends is None else dividends
    if closes.ndim != 2 or ratios.shape != closes.shape or dividends.shape != closes.shape:
        raise ValueError(
            f"closes {closes.shape}, ratios {ratios.shape} and dividends {dividends.shape} must all be one panel of "
            "(sessions, symbols)"
        )
    _refuse(np.isinf(closes) | (closes <= 0), closes, "close", "positive, or NaN where there is none")
    _refuse(~np.isfinite(ratios) | (ratios <= 0), ratios, "ratio", "positive, 1 where nothing goes ex")
    _refuse(~np.isfinite(dividends) | (dividends < 0), dividends, "dividend", "not negative, 0 where there is none")
    return ratios, dividends


def _refuse(wrong: Bools, values: Floats, what: str, rule: str) -> None:
    """Raise ValueError naming the first of the `wrong` cells."""
    if wrong.any():
        row, column = (int(axis[0]) for axis in np.nonzero(wrong))
        raise ValueError(
            f"{what} {values[row, column]} at row {row}, column {column} (of {int(wrong.sum())} like it): "
            f"a {what} is {rule}; quarantine the bar or mend the ledger first"
        )
