"""Everything a measure may look at."""

from dataclasses import dataclass

from analytics.book import Book
from analytics.edition import Edition
from analytics.past import NO_PAST, Past


@dataclass(frozen=True)
class Evidence:
    """A book, the edition that it was valued with, and as much of the past as the measure wanted."""

    book: Book
    edition: Edition
    past: Past = NO_PAST

    def __post_init__(self) -> None:
        """Refuse what does not belong together."""
        if self.edition.edition != self.book.edition:
            raise ValueError(f"the book belongs to edition {self.book.edition}, not to {self.edition.edition}")
