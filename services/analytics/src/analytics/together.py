"""All of an owner's portfolios as one book, made of their positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from analytics.book import Book, Snapshot

LeftOutReason = Literal["not_valued_yet", "valued_on_an_earlier_session"]

MOST_PORTFOLIOS = 500

_ADDED_UP = (
    "nav", "cash", "long", "short", "gross", "net", "pnl", "pnl_price", "pnl_dividend", "pnl_in_kind", "pnl_trading",
    "fees", "cumulative_pnl", "flow", "positions", "stale", "unpriced",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """A portfolio of the owner: its newest valuation, if it has one, and its version now."""

    portfolio: UUID
    current_version: int
    valuation: int | None
    portfolio_version: int | None
    edition: int | None
    session: int | None
    """Ordinal, so that standings can be compared as they are."""


@dataclass(frozen=True, slots=True)
class Part:
    """A valuation that is in the book."""

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A portfolio that is not: mixed with others', figures of another session would mean nothing."""

    portfolio: UUID
    reason: LeftOutReason


@dataclass(frozen=True)
class CombinedBook(Book):
    """The positions of several portfolios. `portfolio` stands for the owner, `valuation` for none of its own."""

    parts: tuple[Part, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def owners_key(owner: str) -> UUID:
    """What stands for an owner where an answer names its portfolio."""
    return uuid5(NAMESPACE_URL, f"urn:riskstream:owner:{owner}")


def in_step(standings: Sequence[Standing]) -> tuple[list[Standing], tuple[LeftOut, ...]]:
    """Those valued on the newest session that any of them is valued on, by id, and the others with their reason."""
    valued = [standing.session for standing in standings if standing.session is not None]
    newest = max(valued, default=None)
    left_out = tuple(
        LeftOut(standing.portfolio, "not_valued_yet" if standing.session is None else "valued_on_an_earlier_session")
        for standing in standings
        if standing.session is None or standing.session != newest
    )
    inside = [standing for standing in standings if standing.session is not None and standing.session == newest]
    return sorted(inside, key=lambda standing: standing.portfolio), left_out


def versions_hash(standings: Sequence[Standing]) -> str:
    """Which valuations an answer about `standings` rests on, left out ones included: any change of them changes it."""
    told = ";".join(
        f"{one.portfolio}:{one.valuation}:{one.edition}"
        for one in sorted(standings, key=lambda standing: standing.portfolio)
    )
    return sha256(told.encode()).hexdigest()[:16]


def combined(owner: str, books: Sequence[Book], left_out: tuple[LeftOut, ...]) -> CombinedBook:
    """The books of one session as one, as of the newest of their editions.

    A symbol that was unknown when any of them was folded counts as unknown, so that what is said of these valuations
    never changes. Raises ValueError for no book, or books of several sessions.
    """
    if len({book.session for book in books}) != 1:
        raise ValueError("books can be added up if there are any, and all are of one session")
    newest = max(books, key=lambda book: book.edition)
    return CombinedBook(
        portfolio=owners_key(owner),
        valuation=sum(book.valuation for book in books),
        portfolio_version=sum(book.portfolio_version for book in books),
        edition=newest.edition,
        session=newest.session,
        run_id=newest.run_id,
        unknown_symbols=frozenset().union(*(book.unknown_symbols for book in books)),
        snapshot=_added_up([book.snapshot for book in books]),
        positions=tuple(position for book in books for position in book.positions),
        parts=tuple(Part(book.portfolio, book.valuation, book.portfolio_version, book.edition) for book in books),
        left_out=left_out,
    )


def _added_up(snapshots: Sequence[Snapshot]) -> Snapshot:
    """Sums; the return is P&L over the sum of NAV before it, coverage that of the whole gross value."""
    sums = {name: sum(getattr(one, name) for one in snapshots) for name in _ADDED_UP}
    before = sums["nav"] - sums["pnl"] - sums["flow"]
    known = all(one.daily_return is not None for one in snapshots)
    covered = sum((one.coverage or 0.0) * one.gross for one in snapshots)
    return Snapshot(
        **sums,
        daily_return=sums["pnl"] / before if known and before > 0 else None,
        coverage=covered / sums["gross"] if sums["gross"] > 0 else None,
    )
