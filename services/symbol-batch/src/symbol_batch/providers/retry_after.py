"""The header Retry-After."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from symbol_batch.providers.http_session import Headers


def retry_after(headers: Headers) -> float | None:
    """Seconds for which an answer asks to be left alone: a number, or a date against the answer's own; else None."""
    said = (headers.get("retry-after") or "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    until, now = _date(said), _date(headers.get("date") or "")
    return None if until is None else max((until - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _date(said: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(said)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
