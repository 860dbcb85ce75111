"""A series as the vendor would have served it when a given session was its last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from market_simulator.market import Dividend, Floats, Integers, Listing, Series, Split


@dataclass(frozen=True)
class History:
    """Bars up to one session, adjusted for the splits that had gone ex by then and for no others.

    Arrays as in `Series`; `adj_close` is adjusted for the dividends up to that session too, `volume` is whole shares.
    """

    listing: Listing
    session: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: Integers
    splits: tuple[Split, ...]
    dividends: tuple[Dividend, ...]


def later_ratio(splits: tuple[Split, ...], last: int) -> float:
    """Π ratio over the splits that go ex after session `last`: turns a final-basis price into one of that session."""
    return prod((split.ratio for split in splits if split.session > last), start=1.0)


def history_as_of(series: Series, last: int) -> History | None:
    """The series with session `last` as its latest; None while it is not yet listed and once it is delisted.

    A price of the final basis is multiplied by the ratios still to come, a volume divided by them. Dividends are on
    the basis of prices after the splits of their own day, as Yahoo states them, so the same factor serves them.
    """
    end = int(np.searchsorted(series.session, last, side="right"))
    if end == 0 or (series.delisted is not None and last >= series.delisted):
        return None
    ratio = later_ratio(series.splits, last)
    close = series.close[:end] * ratio
    return History(
        listing=series.listing,
        session=series.session[:end],
        open=series.open[:end] * ratio,
        high=series.high[:end] * ratio,
        low=series.low[:end] * ratio,
        close=close,
        adj_close=close * (series.dividend_adjustment[:end] / series.dividend_adjustment[end - 1]),
        volume=np.rint(series.volume[:end] / ratio).astype(np.int64),
        splits=tuple(split for split in series.splits if split.session <= last),
        dividends=tuple(
            Dividend(dividend.session, dividend.amount * ratio)
            for dividend in series.dividends
            if dividend.session <= last
        ),
    )


def scaled(history: History, factors: Floats) -> History:
    """The history with each bar's prices multiplied by its entry of `factors` (bars,); volumes and actions stay."""
    return replace(
        history,
        open=history.open * factors,
        high=history.high * factors,
        low=history.low * factors,
        close=history.close * factors,
        adj_close=history.adj_close * factors,
    )
