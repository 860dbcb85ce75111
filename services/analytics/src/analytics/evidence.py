"""Everything a measure may look at."""

from dataclasses import dataclass
from functools import cached_property

from analytics.as_held import HeldPnl, held_pnl
from analytics.book import Book
from analytics.edition import Edition
from analytics.forecast import Forecast, forecast_of
from analytics.holdings import Holdings, holdings_of
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

    @cached_property
    def holdings(self) -> Holdings:
        """The book by symbol; measures that are computed of the same evidence share it."""
        return holdings_of(self.book, self.edition)

    @cached_property
    def held_pnl(self) -> HeldPnl:
        """The past of the holdings, shared likewise."""
        return held_pnl(self.holdings, self.edition)

    @cached_property
    def forecast(self) -> Forecast:
        """The risk forecast of the holdings, shared likewise."""
        return forecast_of(self.holdings, self.edition.risk)
