"""How much of a portfolio is in few places."""

from collections.abc import Sequence
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from analytics.evidence import Evidence
from analytics.measures.measure import Finding, Measure, Parameters, Result
from riskstream.market.arrays import Floats

NoShareReason = Literal["nothing_held", "nothing_priced"]


class ConcentrationParameters(Parameters):
    top: int = Field(default=10, ge=0, le=1000, description="How many of the largest symbols to list.")


class Share(Result):
    """A symbol or a sector; of its lots, Σ |market value| in USD, and that over the sum of what entered.

    `long_share`, `short_share` (not positive) and `net_share` are over the same sum.
    """

    name: str | None
    """Null for the lots without sector."""
    name_reason: Literal["unclassified"] | None
    gross_usd: float
    share: float
    long_share: float
    short_share: float
    net_share: float


class Grouped(Result):
    """Shares squared and summed, and the largest ones, in decimals. Null where `reason` of the whole says why."""

    groups: int
    hhi: float | None
    """Herfindahl–Hirschman index, `Σ share² · 10,000`: 10,000 is all in one, 10,000/n the same in each of n."""
    effective_number: float | None
    """10,000 / HHI: as many groups of equal size would be as concentrated."""
    top_3_share: float | None
    top_10_share: float | None
    largest: list[Share]
    """Largest first, ties by name; of symbols as many as were asked for, of sectors all."""


class Concentration(Result):
    """Of Σ |market value|, whatever NAV is. Every lot with a value and a price counts, private ones and options too.

    An option counts under its own symbol and its underlying's sector; a private lot under the sector PRIVATE. `reason`
    is `nothing_held` where no lot has a value, `nothing_priced` where none of those has a price.
    """

    reason: NoShareReason | None
    gross_usd: float
    """Of what entered."""
    long_share: float | None
    short_share: float | None
    """Not positive."""
    net_share: float | None
    by_symbol: Grouped
    by_sector: Grouped
    unpriced_positions: int
    """Lots at their last value, without a price of the session or of the five before: in no share (`domain.md` §3)."""
    unpriced_usd: float
    """Σ |market value| of these."""


def compute(evidence: Evidence, parameters: ConcentrationParameters) -> Finding[Concentration]:
    """Shares `|market value| / gross`, lots of one symbol added up (`domain.md` §4).

    Absolute values are added, so that a symbol held long and short in different lots is as large as both.
    """
    columns = evidence.book.columns
    at_risk = columns.market_values != 0
    places = np.flatnonzero(at_risk & ~columns.unpriced)
    held, values = len(places) > 0, columns.market_values[places]
    gross = float(np.abs(values).sum())
    unpriced = float(np.abs(columns.market_values[columns.unpriced]).sum())
    long, short = float(values[values > 0].sum()), float(values[values < 0].sum())
    sectors = sorted(set(columns.sector_names))
    place = {sector: n for n, sector in enumerate(sectors)}
    sector_of = np.fromiter(map(place.__getitem__, columns.sector_names), np.intp, len(columns.sector_names))
    result = Concentration(
        reason=None if held else "nothing_priced" if at_risk.any() else "nothing_held",
        gross_usd=gross,
        long_share=long / gross if held else None,
        short_share=short / gross if held else None,
        net_share=(long + short) / gross if held else None,
        by_symbol=_grouped(columns.names, columns.name_of[places], values, parameters.top),
        by_sector=_grouped(sectors, sector_of[places], values, None),
        unpriced_positions=int(at_risk.sum()) - len(places),
        unpriced_usd=unpriced,
    )
    return Finding(result, gross / (gross + unpriced) if at_risk.any() else None)


def _grouped(names: Sequence[str], of: NDArray[np.intp], values: Floats, top: int | None) -> Grouped:
    """Of `names`, ascending and the empty one for none, those that `of` has."""
    lots = np.bincount(of, minlength=len(names))
    known = list(compress(names, lots))
    long = np.bincount(of, np.maximum(values, 0.0), len(names))[lots > 0]
    short = np.bincount(of, np.minimum(values, 0.0), len(names))[lots > 0]
    whole = float(np.abs(values).sum())
    shares: Floats = (long - short) / (whole or 1.0)
    largest = np.argsort(-shares, kind="stable")
    ordered = shares[largest]
    hhi = float(shares @ shares) * 10_000 if whole else None
    return Grouped(
        groups=len(known),
        hhi=hhi,
        effective_number=10_000 / hhi if hhi else None,
        top_3_share=_part(ordered[:3]) if whole else None,
        top_10_share=_part(ordered[:10]) if whole else None,
        largest=[
            Share(
                name=known[n] or None,
                name_reason=None if known[n] else "unclassified",
                gross_usd=float(long[n] - short[n]),
                share=float(shares[n]),
                long_share=float(long[n] / whole),
                short_share=float(short[n] / whole),
                net_share=float((long[n] + short[n]) / whole),
            )
            for n in largest[:top]
        ],
    )


def _part(shares: Floats) -> float:
    """Their sum; not above 1 by a rounding."""
    return min(float(shares.sum()), 1.0)


MEASURE = Measure(
    name="concentration",
    summary="How much of the portfolio is in few symbols and sectors",
    method="Herfindahl–Hirschman index of absolute market values over gross, by symbol and by sector",
    parameters=ConcentrationParameters,
    result=Concentration,
    compute=compute,
)
