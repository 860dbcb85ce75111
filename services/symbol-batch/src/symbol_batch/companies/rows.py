"""From a provider's answer to rows that can be stored: what no company can be is left out with its reason. Pure."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import isfinite

from symbol_batch.companies.sectors import is_fund, sector_of
from symbol_batch.providers.provider import Profile, StatementLine
from symbol_batch.store.companies import LineRow, ProfileRow

LARGEST_AMOUNT = Decimal(10) ** 28
"""Amounts are NUMERIC(30,2): what has more digits before the point than 28 does not fit."""
MOST_SHARES = 1e15
LARGEST_RATIO = 1e9
LONGEST_TEXT = 200
REASONS = 20
"""Reasons that are written out; the others are counted."""

_CENT, _CONTEXT = Decimal("0.01"), Context(prec=40)
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2100, 1, 1)


def profile_row(symbol: str, profile: Profile) -> tuple[ProfileRow, list[str]]:
    """The row of a profile, with the sector by the ruling, and why which of its fields are null.

    Shares must be positive and at most 1e15, earnings per share within 1e9 of zero, dates of 1900 to 2099; text loses
    what cannot be printed and what is beyond 200 characters.
    """
    reasons: list[str] = []
    kind = _text(profile.kind) or "UNKNOWN"
    sector = sector_of(kind, profile.sector)
    if sector is None and profile.sector:
        reasons.append(f"sector {_text(profile.sector)!r} is none of the eleven")
    shares, earnings, day = profile.shares_outstanding, profile.trailing_eps, profile.next_earnings
    if shares is not None and not 0 < shares <= MOST_SHARES:
        reasons.append(f"{shares:g} shares outstanding")
        shares = None
    if earnings is not None and not abs(earnings) <= LARGEST_RATIO:
        reasons.append(f"trailing earnings of {earnings:g} per share")
        earnings = None
    if day is not None and not _FIRST_DAY <= day < _LAST_DAY:
        reasons.append(f"next earnings on {day}")
        day = None
    row = ProfileRow(
        symbol=symbol,
        name=_text(profile.name),
        kind=kind,
        sector=sector,
        industry=None if is_fund(kind) else _text(profile.industry),
        country=_text(profile.country),
        currency=_text(profile.currency),
        shares_outstanding=shares,
        trailing_eps=earnings,
        next_earnings=day,
    )
    return row, reasons


def line_rows(symbol: str, lines: Iterable[StatementLine]) -> tuple[list[LineRow], list[str]]:
    """The rows of a symbol's statements, and why which lines are left out. Of two for one figure the last counts.

    Amounts are rounded to the cent, half to even, as doubles print; minus zero is zero.
    """
    rows: dict[tuple[str, str, date, str], LineRow] = {}
    reasons: list[str] = []
    for line in lines:
        row, reason = _line_row(symbol, line)
        key = (line.statement, line.frequency, line.period_end, line.item)
        if row is None:
            reasons.append(f"{line.frequency} {line.item} of {line.period_end}: {reason}")
            continue
        if key in rows and rows[key] != row:
            reasons.append(f"{line.frequency} {line.item} of {line.period_end}: given twice, the last counts")
        rows[key] = row
    return list(rows.values()), reasons


def sentence(said: str | None, reasons: list[str]) -> str | None:
    """What the provider said and the reasons, as one sentence of bounded length; None where there is nothing."""
    shown = reasons[:REASONS]
    if len(reasons) > REASONS:
        shown.append(f"and {len(reasons) - REASONS} more")
    parts = [said] if said else []
    if shown:
        parts.append(f"not stored: {'; '.join(shown)}")
    whole = _text("; ".join(parts), 2_000)
    return whole or None


def _line_row(symbol: str, line: StatementLine) -> tuple[LineRow | None, str]:
    item = _text(line.item)
    if item is None or not _FIRST_DAY <= line.period_end < _LAST_DAY:
        return None, "no item of a period"
    if not isfinite(line.figure):
        return None, f"{line.figure:g} is no number"
    amount = ratio = None
    if line.unit == "ratio":
        if abs(line.figure) > LARGEST_RATIO:
            return None, f"{line.figure:g} is no ratio"
        ratio = line.figure + 0.0
    else:
        amount = Decimal(repr(line.figure))
        if abs(amount) >= LARGEST_AMOUNT:
            return None, f"{line.figure:g} does not fit"
        amount = _to_cents(amount)
    return (
        LineRow(
            symbol=symbol,
            statement=line.statement,
            frequency=line.frequency,
            period_end=line.period_end,
            item=item,
            amount=amount,
            ratio=ratio,
            currency=_text(line.currency),
        ),
        "",
    )


def _to_cents(amount: Decimal) -> Decimal:
    # Decimal's usual 28 digits are two fewer than an amount may have.
    rounded = amount.quantize(_CENT, ROUND_HALF_EVEN, context=_CONTEXT)
    return abs(rounded) if rounded.is_zero() else rounded


def _text(value: str | None, longest: int = LONGEST_TEXT) -> str | None:
    """Without what no database stores: control characters, lone surrogates; None for what is blank."""
    if value is None:
        return None
    printable = "".join(character for character in " ".join(value.split()) if character.isprintable())
    return printable[:longest].strip() or None
