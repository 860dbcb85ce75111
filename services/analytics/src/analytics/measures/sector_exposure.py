"""What a portfolio holds of each sector, beside what the S&P 500 does."""

from collections.abc import Sequence
from datetime import date
from itertools import repeat
from typing import Literal

import numpy as np

from analytics.book import Columns
from analytics.evidence import Evidence
from analytics.measures.measure import Finding, Measure, Parameters, Result
from analytics.sp500_sectors import SOURCE, sector_weights
from riskstream.market.arrays import Bools, Floats

NoActiveReason = Literal["nav_not_positive", "not_a_sector_of_the_benchmark"]


class SectorLine(Result):
    """What is held of a sector: amounts in USD, and over NAV in decimals, null where `relative_reason` says why.

    `short` is not positive; net = long + short, gross = long − short. Options are in none of these: what they are worth
    is not what they move with. They are in `options_usd`, under their underlying's sector.
    """

    sector: str | None
    """One of the eleven of GICS, ETF or PRIVATE; null for the lots without."""
    sector_reason: Literal["unclassified"] | None
    positions: int
    """Lots, without options."""
    long_usd: float
    short_usd: float
    net_usd: float
    gross_usd: float
    long: float | None
    short: float | None
    net: float | None
    gross: float | None
    options: int
    """Lots."""
    options_usd: float
    """Their market value, net."""
    options_gross_usd: float
    """Σ |market value| of theirs."""
    benchmark_weight: float | None
    """Null where the line is no sector of GICS."""
    active_weight: float | None
    """`net` less the benchmark's weight."""
    active_reason: NoActiveReason | None


class Benchmark(Result):
    """The table that the sectors are held against: the newest that is not after the book's session."""

    name: Literal["S&P 500"]
    source: str
    as_of: date
    after_session: bool
    """True where the session is older than every table, and the oldest was taken."""
    printed_sum: float
    """Per cent. The table is rounded to a tenth; its weights were divided by this sum."""


class SectorExposure(Result):
    """Funds are a line of their own, ETF: nothing is said of what they hold. A book of nothing but SPY has 0 of every
    sector and is underweight in all of them, although it is the benchmark; `etf_gross_usd` says how much of the book is
    held in this way.
    """

    sectors: list[SectorLine]
    """The eleven, held or not, by name; then ETF, PRIVATE and those without sector, where something is held."""
    total: SectorLine
    """Of all lines. With `unpriced_usd` its net and its options make the book's net market value."""
    relative_reason: Literal["nav_not_positive"] | None
    etf_gross_usd: float
    benchmark: Benchmark
    unpriced_positions: int
    """Lots at their last value, without a price of the session or of the five before: in no line (`domain.md` §3)."""
    unpriced_usd: float
    """Their market value, net."""


def compute(evidence: Evidence, _: Parameters) -> Finding[SectorExposure]:
    """Signed market values by sector, over NAV. Sectors are those of the symbols' profiles when the book was folded."""
    book, columns = evidence.book, evidence.book.columns
    table = sector_weights(book.session)
    at_risk = columns.market_values != 0
    unpriced = columns.market_values[at_risk & columns.unpriced]
    names = [*sorted(table.weights), "ETF", "PRIVATE", ""]
    amounts = _amounts(names, columns, at_risk & ~columns.unpriced)
    nav = book.snapshot.nav
    lines = [
        _line(name, column, nav, table.weights.get(name))
        for name, column in zip(names, amounts.T, strict=True)
        if name in table.weights or column.any()
    ]
    result = SectorExposure(
        sectors=lines,
        total=_line("ALL", amounts.sum(axis=1), nav, None),
        relative_reason=None if nav > 0 else "nav_not_positive",
        etf_gross_usd=float(amounts[1, names.index("ETF")] - amounts[2, names.index("ETF")]),
        benchmark=Benchmark(
            name="S&P 500",
            source=SOURCE,
            as_of=table.as_of,
            after_session=table.as_of > book.session,
            printed_sum=round(sum(table.printed.values()), 1),
        ),
        unpriced_positions=len(unpriced),
        unpriced_usd=float(unpriced.sum()),
    )
    gross = float(np.abs(columns.market_values).sum())
    return Finding(result, min(1.0 - float(np.abs(unpriced).sum()) / gross, 1.0) if gross else None)


def _amounts(names: Sequence[str], columns: Columns, counted: Bools) -> Floats:
    """(6, names): lots, long, short of what is no option; lots, net and gross of options.

    A sector that is none of the `names` is none of GICS, and as good as none.
    """
    place = {name: n for n, name in enumerate(names)}
    of = np.fromiter(map(place.get, columns.sector_names, repeat(place[""])), np.intp, len(columns.sector_names))
    own, theirs = np.where(columns.options, 0.0, columns.market_values), columns.options * columns.market_values
    amounts = (~columns.options, np.maximum(own, 0.0), np.minimum(own, 0.0), columns.options, theirs, np.abs(theirs))
    return np.array([np.bincount(of[counted], amount[counted], len(names)) for amount in amounts])


def _line(name: str, amounts: Floats, nav: float, benchmark: float | None) -> SectorLine:
    lots, long, short, options, options_net, options_gross = (float(amount) for amount in amounts)
    net = _over(long + short, nav)
    return SectorLine(
        sector=name or None,
        sector_reason=None if name else "unclassified",
        positions=int(lots),
        long_usd=long,
        short_usd=short,
        net_usd=long + short,
        gross_usd=long - short,
        long=_over(long, nav),
        short=_over(short, nav),
        net=net,
        gross=_over(long - short, nav),
        options=int(options),
        options_usd=options_net,
        options_gross_usd=options_gross,
        benchmark_weight=benchmark,
        active_weight=None if benchmark is None or net is None else net - benchmark,
        active_reason="not_a_sector_of_the_benchmark"
        if benchmark is None
        else "nav_not_positive"
        if net is None
        else None,
    )


def _over(amount: float, nav: float) -> float | None:
    return amount / nav if nav > 0 else None


MEASURE = Measure(
    name="sector-exposure",
    summary="Long, short, net and gross of each sector, beside the S&P 500's weights",
    method="signed market values by sector over NAV, less the index's by a dated table; funds not looked through",
    parameters=Parameters,
    result=SectorExposure,
    compute=compute,
)
