"""What was seen from outside while the story was played. Any thread may add; the checker reads when all is over."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from chaos_story.reads import Read


@dataclass(frozen=True, slots=True)
class Claims:
    """What an answer says that it belongs to, and the NAV that it shows where it shows one."""

    portfolio_version: int
    edition: int
    session: date
    nav: float | None
    pending: bool = False
    """Whether it says itself that a newer version is on its way."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A read with everything that came back. Times are of the monotonic clock."""

    read: Read
    measure: str
    asked_at: float
    answered_at: float
    status: int | None
    """None where the connection broke or nothing came in time."""
    retry_after: bool
    claims: Claims | None


@dataclass(slots=True)
class Creation:
    """One portfolio that somebody asked for, however often it took."""

    key: str
    owner: str
    symbols: tuple[str, ...]
    statuses: list[int | None] = field(default_factory=list)
    ids: set[UUID] = field(default_factory=set)
    """What the answers named; more than one would be a portfolio too many."""


@dataclass(slots=True)
class Deletion:
    portfolio: UUID
    owner: str
    asked_at: float
    statuses: list[int | None] = field(default_factory=list)
    done_at: float | None = None
    """When its success was known."""


@dataclass(slots=True)
class Edited:
    """One change of a portfolio that somebody asked for, however often it took."""

    key: str
    portfolio: UUID
    owner: str
    action: str
    """As the change log calls it."""
    asked_at: float
    statuses: list[int | None] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    """What the answers named; more than one would be an edit too many."""
    ready: bool = False
    """Whether the answer said that the version was valued."""
    refused: bool = False
    """Whether it was answered that it cannot be: nothing was changed."""
    done_at: float | None = None
    """When its success was known."""


class History:
    """Everything seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.began = time.monotonic()
        self.answers: list[Answered] = []
        self.creations: list[Creation] = []
        self.deletions: list[Deletion] = []
        self.edits: list[Edited] = []
        self.operations: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.accidents: list[str] = []
        """What nobody did and should not have happened: a process that ended by itself, a step that failed."""
        self._portfolios: list[tuple[UUID, str]] = []

    def answered(self, answer: Answered) -> None:
        with self._lock:
            self.answers.append(answer)

    def created(self, portfolio: UUID, owner: str) -> None:
        with self._lock:
            self._portfolios.append((portfolio, owner))

    def accident(self, what: str) -> None:
        with self._lock:
            self.accidents.append(what)

    def portfolio(self, number: int) -> tuple[UUID, str] | None:
        """One of those created so far, with its owner."""
        with self._lock:
            return self._portfolios[number % len(self._portfolios)] if self._portfolios else None

    def statuses(self) -> Counter[str]:
        """How many answers of each status there were."""
        with self._lock:
            return Counter("none" if answer.status is None else str(answer.status) for answer in self.answers)
