"""What the caller says beside the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from onboarding.imports.spelling import as_date


@dataclass(frozen=True, slots=True)
class Terms:
    """What the caller says beside the file."""

    today: date
    """In New York."""
    isins: Mapping[str, str] = field(default_factory=dict)
    """Tickers by ISIN, in capitals; they win over the file's own tickers."""
    file_date: date | None = None
    """Of which day the positions are; null: the day that the file names, else today."""


def day_of_file(terms: Terms, text: str = "", *forms: str) -> str:
    """On which day the positions are entered: the caller's word, the file's, today."""
    return (terms.file_date or as_date(text, *forms) or terms.today).isoformat()
