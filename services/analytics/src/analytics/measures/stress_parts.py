"""What factors, symbols and sectors add to a stress test's P&L, as `StressPnl` lists them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.measures.stress_error import StressErrors
from analytics.measures.stress_moves import Exposed, Happened
from analytics.risk_model import RISK_FACTOR_NAMES
from riskstream.market.arrays import Floats


def in_parts_of(
    happened: Happened, exposed: Exposed, errors: StressErrors | None, top: int
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """What factors, symbols and sectors add to each."""
    factors = _factors(happened, exposed)
    positions = _largest(happened, exposed, errors, top)
    sectors = _sectors(happened, exposed, errors)
    for by_factor, by_symbol, by_sector in zip(factors, positions, sectors, strict=True):
        yield {"factors": by_factor, "positions": by_symbol, "sectors": by_sector}


def _factors(happened: Happened, exposed: Exposed) -> Iterator[list[dict[str, Any]]]:
    shocks = happened.moves.returns
    pnl = (shocks * exposed.moved.sum(axis=0)).tolist()
    errors = or_none(None if happened.errors is None else happened.errors.by_factor, len(shocks))
    for way, row in enumerate(shocks.tolist()):
        yield [
            {
                "factor": slug,
                "name": name,
                "shock": row[n],
                "pnl": pnl[way][n],
                "standard_error": errors[way] and errors[way][n],
            }
            for n, (slug, name) in enumerate(RISK_FACTOR_NAMES.items())
            if row[n] != 0
        ]


def _sectors(happened: Happened, exposed: Exposed, errors: StressErrors | None) -> Iterator[list[dict[str, Any]]]:
    names, sector_of = exposed.holdings.by_sector
    belongs = sector_of[:, None] == np.arange(len(names))
    pnl = happened.pnl @ belongs
    off = or_none(None if errors is None else errors.of_sectors(happened.moves, happened.capped), len(pnl))
    order = np.argsort(-np.abs(pnl), axis=1, kind="stable").tolist()
    for way, row in enumerate(pnl.tolist()):
        yield [
            {"sector": names[n] or None, "pnl": row[n], "standard_error": off[way] and off[way][n]} for n in order[way]
        ]


def _largest(
    happened: Happened, exposed: Exposed, errors: StressErrors | None, top: int
) -> Iterator[list[dict[str, Any]]]:
    those = largest(np.abs(happened.pnl), top)
    pnl = np.take_along_axis(happened.pnl, those, axis=1).tolist()
    capped = np.take_along_axis(happened.capped, those, axis=1)
    off = np.full(those.shape, np.nan) if errors is None else errors.of_symbols(happened.moves, those)
    off = np.where(capped & np.isfinite(off), 0.0, off)
    known = np.isfinite(off).tolist()
    rows = zip(those.tolist(), pnl, off.tolist(), known, capped.tolist(), strict=True)
    for symbols, amounts, errors_of, known_of, capped_of in rows:
        yield [
            {
                "symbol": exposed.holdings.symbols[n],
                "pnl": amount,
                "standard_error": error if is_known else None,
                "capped": is_capped,
            }
            for n, amount, error, is_known, is_capped in zip(
                symbols, amounts, errors_of, known_of, capped_of, strict=True
            )
            if amount != 0
        ]


def largest(amounts: Floats, top: int) -> NDArray[np.intp]:
    """(K, min(top, N)) the places of the largest in each row of (K, N), largest first, ties by place."""
    rows, columns = amounts.shape
    if top >= columns:
        return np.argsort(-amounts, axis=1, kind="stable")
    if top == 0:
        return np.zeros((rows, 0), dtype=np.intp)
    # Sorting all of a thousand symbols for ten of them takes longer than all else.
    least = np.partition(amounts, columns - top, axis=1)[:, columns - top]
    found = np.zeros((rows, top), dtype=np.intp)
    for row, known in enumerate(amounts):
        near = np.flatnonzero(known >= least[row])
        found[row] = near[np.argsort(-known[near], kind="stable")[:top]]
    return found


def or_none(rows: Floats | None, count: int) -> list[Any]:
    """As a list; of None where there are none."""
    return [None] * count if rows is None else rows.tolist()
