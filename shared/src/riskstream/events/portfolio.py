"""Events of the portfolio layer."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from riskstream.events.event import Event


class PortfolioChanged(Event):
    """A portfolio was created, edited or deleted; its version says which state this belongs to."""

    type: ClassVar[str] = "portfolio.changed.v1"
    topic: ClassVar[str] = "portfolio.changed"
    aggregate: ClassVar[str] = "portfolio"

    portfolio: UUID
    owner: str
    version: int = Field(ge=1)
    first_affected_session: date
    deleted: bool = False

    @property
    def key(self) -> str:
        return str(self.portfolio)

    @property
    def aggregate_version(self) -> int:
        return self.version


class PortfolioRefreshRequested(Event):
    """One chunk of a refresh run is there to be worked; the chunk itself is a row."""

    type: ClassVar[str] = "portfolio.refresh.requested.v1"
    topic: ClassVar[str] = "portfolio.refresh.requested"
    aggregate: ClassVar[str] = "chunk"

    run: UUID
    chunk: int = Field(ge=0)

    @property
    def key(self) -> str:
        return f"{self.run}:{self.chunk}"


class PortfolioRefreshed(Event):
    """A fold was written: the portfolio has a new valuation. One per fold, whatever its number of sessions."""

    type: ClassVar[str] = "portfolio.refreshed.v1"
    topic: ClassVar[str] = "portfolio.refreshed"
    aggregate: ClassVar[str] = "portfolio"

    portfolio: UUID
    owner: str
    valuation: int = Field(ge=1)
    portfolio_version: int = Field(ge=1)
    edition: int
    from_session: date
    to_session: date
    cause: Literal["night", "change", "symbol", "revision", "sweep"]

    @property
    def key(self) -> str:
        return str(self.portfolio)

    @property
    def aggregate_version(self) -> int:
        return self.valuation


class PortfolioRefreshCompleted(Event):
    """Every chunk of a refresh run has ended."""

    type: ClassVar[str] = "portfolio.refresh.completed.v1"
    topic: ClassVar[str] = "portfolio.refresh.completed"
    aggregate: ClassVar[str] = "run"

    run: UUID
    cause: Literal["night", "revision", "sweep"]
    session: date
    edition: int
    chunks: int = Field(ge=0)
    chunks_failed: int = Field(ge=0)
    portfolios: int = Field(ge=0)
    portfolios_failed: int = Field(ge=0)

    @property
    def key(self) -> str:
        return str(self.run)
