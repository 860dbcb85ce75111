"""Bars as rows of binary COPY, made by numpy: Postgres reads them as fast as a dump, and a row costs no Python object.

The form is https://www.postgresql.org/docs/current/sql-copy.html: a row begins with its number of fields, a field with
its length, and a null is the length −1. All rows of one symbol that lack the same figures are of one length.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from symbol_batch.bars import TradedBars

PRICE_COLUMNS = ("symbol", "session", "open", "high", "low", "close", "volume", "currency", "source", "fetched_at")

_FIGURES = {"open": ">f8", "high": ">f8", "low": ">f8", "close": ">f8", "volume": ">i8"}
_CURRENCY = b"USD"
_FIRST_DAY = np.datetime64("2000-01-01", "D")
"""From which Postgres counts days."""
_FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def price_rows(symbol: str, bars: TradedBars, source: str, fetched_at: datetime) -> bytes:
    """The bars as rows of `PRICE_COLUMNS`, grouped by which figures are known; NaN becomes null.

    Rows are joined by joining their bytes. `fetched_at` has a time zone. Thousands: not for the event loop.
    """
    if not len(bars.days):
        return b""
    unknown = np.stack([np.isnan(getattr(bars, name)) for name in _FIGURES], axis=1)
    if not unknown.any():
        return _block(symbol, bars, source, fetched_at, [False] * len(_FIGURES))
    return b"".join(
        _block(symbol, bars.at((unknown == lacking).all(axis=1)), source, fetched_at, lacking.tolist())
        for lacking in np.unique(unknown, axis=0)
    )


def _block(symbol: str, bars: TradedBars, source: str, fetched_at: datetime, lacking: Sequence[bool]) -> bytes:
    texts = {"symbol": symbol.encode(), "currency": _CURRENCY, "source": source.encode()}
    layout, sizes = _layout(tuple(map(len, texts.values())), tuple(lacking))
    rows = np.empty(len(bars.days), dtype=layout)
    for name, size in sizes.items():
        rows[name] = size
    for name, value in texts.items():
        rows[name] = value
    rows["session"] = (bars.days - _FIRST_DAY).astype(np.int64)
    rows["fetched_at"] = (fetched_at - _FIRST_INSTANT) // _MICROSECOND
    for name, missing in zip(_FIGURES, lacking, strict=True):
        if not missing:
            rows[name] = getattr(bars, name)
    return rows.tobytes()


@lru_cache(maxsize=256)
def _layout(lengths: tuple[int, ...], lacking: tuple[bool, ...]) -> tuple[np.dtype[np.void], dict[str, int]]:
    """A row as bytes, and what stands in it before each field; `lengths` of symbol, currency and source."""
    symbol, currency, source = (f"S{length}" for length in lengths)
    forms = {"symbol": symbol, "session": ">i4", **_FIGURES, "currency": currency, "source": source}
    forms["fetched_at"] = ">i8"
    nulls = {name for name, missing in zip(_FIGURES, lacking, strict=True) if missing}
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    sizes = {"fields": len(PRICE_COLUMNS)}
    for name in PRICE_COLUMNS:
        fields.append((f"size of {name}", ">i4"))
        sizes[f"size of {name}"] = -1 if name in nulls else np.dtype(forms[name]).itemsize
        if name not in nulls:
            fields.append((name, forms[name]))
    return np.dtype(fields), sizes
