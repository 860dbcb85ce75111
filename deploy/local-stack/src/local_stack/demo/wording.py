"""Numbers as text with their units; a null is its reason, never a 0."""

from collections.abc import Mapping, Sequence
from typing import Any

from local_stack.demo.section import Row

NONE = "–"
MOST_NAMED = 6


def usd(value: float | None, reason: str | None = None) -> str:
    return _or_reason(value, "{:,.2f}", reason)


def signed_usd(value: float | None, reason: str | None = None) -> str:
    return _or_reason(value, "{:+,.2f}", reason)


def percent(value: float | None, reason: str | None = None, *, digits: int = 1) -> str:
    return _or_reason(value, f"{{:.{digits}%}}", reason)


def signed_percent(value: float | None, reason: str | None = None, *, digits: int = 1) -> str:
    return _or_reason(value, f"{{:+.{digits}%}}", reason)


def beta(value: float | None, reason: str | None = None) -> str:
    return _or_reason(value, "{:+.3f}", reason)


def give_or_take(text: str, error: str | None) -> str:
    """A number and its standard error."""
    return text if error is None or error == NONE else f"{text} ± {error}"


def words(reason: str | None) -> str:
    """A reason of the API as people write it."""
    return NONE if reason is None else reason.replace("_", " ")


def basis(answer: Mapping[str, Any]) -> str:
    """What an answer belongs to and how it came about."""
    return (
        f"As of {answer['as_of']}, valuation {answer['valuation']}, edition {answer['edition']}; "
        f"coverage {percent(answer['coverage'], digits=0)} of gross value. {sentence(answer['method'])}"
    )


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def none_because(rows: Sequence[Row], reason: str | None) -> list[str]:
    """A note that says why there are no rows; none where there are."""
    return [] if rows else [sentence(f"not known: {words(reason)}")]


def left_out(excluded: list[Mapping[str, Any]]) -> list[str]:
    """A note that names what a figure does without; none where that is nothing."""
    if not excluded:
        return []
    named = ", ".join(f"{item['symbol']} ({words(item['reason'])})" for item in excluded[:MOST_NAMED])
    more = len(excluded) - MOST_NAMED
    return [f"Left out: {named}{f' and {more} more' if more > 0 else ''}."]


def _or_reason(value: float | None, pattern: str, reason: str | None) -> str:
    if value is None:
        return words(reason)
    # What rounds to nothing has no sign.
    text = pattern.format(value)
    return pattern.format(0.0) if not any(digit in text for digit in "123456789") else text
