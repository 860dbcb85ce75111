"""Events of the symbol layer. They name symbols, sessions and editions, never a portfolio."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from riskstream.events.event import Event


class SymbolRequested(Event):
    """Somebody holds a symbol that the symbol layer does not know. Answered by `SymbolReady` or `SymbolFailed`."""

    type: ClassVar[str] = "symbol.requested.v1"
    topic: ClassVar[str] = "symbol.requested"
    aggregate: ClassVar[str] = "symbol"

    symbol: str

    @property
    def key(self) -> str:
        return self.symbol


class SymbolReady(Event):
    """The edition contains the symbol: its exposures, or null with a reason."""

    type: ClassVar[str] = "symbol.ready.v1"
    topic: ClassVar[str] = "symbol.ready"
    aggregate: ClassVar[str] = "symbol"

    symbol: str
    edition: int
    session: date

    @property
    def key(self) -> str:
        return self.symbol

    @property
    def aggregate_version(self) -> int:
        return self.edition


class SymbolFailed(Event):
    """The symbol could not be brought in; `reason` is `not_found` or what stopped the work."""

    type: ClassVar[str] = "symbol.failed.v1"
    topic: ClassVar[str] = "symbol.failed"
    aggregate: ClassVar[str] = "symbol"

    symbol: str
    reason: str
    detail: str

    @property
    def key(self) -> str:
        return self.symbol


class SymbolFactorsUpdated(Event):
    """A symbol has exposures in an edition it had none in: by the night, as a new symbol, or by a revision."""

    type: ClassVar[str] = "symbol.factors.updated.v1"
    topic: ClassVar[str] = "symbol.factors.updated"
    aggregate: ClassVar[str] = "symbol"

    symbol: str
    reason: Literal["night", "new", "revision"]
    session: date
    edition: int
    prices_revised_from: date | None = None
    """The first session whose stored price or action changed; null when nothing before `session` did."""

    @property
    def key(self) -> str:
        return self.symbol

    @property
    def aggregate_version(self) -> int:
        return self.edition


class SymbolBatchCompleted(Event):
    """A session's edition is published as a whole: every reader may value portfolios on it."""

    type: ClassVar[str] = "symbol.batch.completed.v1"
    topic: ClassVar[str] = "symbol.batch.completed"
    aggregate: ClassVar[str] = "session"

    run: UUID
    session: date
    edition: int
    active: int = Field(ge=0)
    priced: int = Field(ge=0)
    with_exposures: int = Field(ge=0)
    coverage: float = Field(ge=0, le=1)
    """Priced over active symbols."""
    failures: dict[str, int] = Field(default_factory=dict)
    """Count of unpriced symbols by fetch outcome (`NOT_FOUND`, `RATE_LIMITED`, ...)."""

    @property
    def key(self) -> str:
        return self.session.isoformat()

    @property
    def aggregate_version(self) -> int:
        return self.edition
