"""The queue of symbols that are being brought in: who has unknown ones waits for it, or is told to come back."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding import store
from onboarding.refusals import SymbolQueueFull, TooManyUnknownSymbols
from onboarding.settings import OnboardingSettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """The symbols that must be asked for."""

    unknown: list[str]
    wait_their_turn: bool
    """So many symbols are being brought in that waiting for these is in vain."""


async def take_turn(connection: AsyncConnection, symbols: Iterable[str], settings: OnboardingSettings) -> Wanted:
    """Which of `symbols` are unknown; refuses (SymbolQueueFull, TooManyUnknownSymbols) above the hard limit.

    The limits guard a queue, they are no invariant: requests at the same moment may pass one together.
    """
    asked = sorted(set(symbols))
    unknown = await store.unknown_symbols(connection, asked) if asked else []
    if not unknown:
        return Wanted([], wait_their_turn=False)
    hard = settings.pending_symbols_hard_limit
    if len(unknown) > hard:
        raise TooManyUnknownSymbols(
            f"The portfolio has {len(unknown):,} symbols that are not known yet, and at most {hard:,} can be "
            "brought in at a time; split it."
        )
    pending, added = await store.symbol_queue(connection, unknown)
    if added and pending + added > hard:
        raise SymbolQueueFull(
            f"{pending:,} new symbols are being brought in and this portfolio would add {added:,}; at most "
            f"{hard:,} may wait. Nothing was stored: send the same request again later."
        )
    return Wanted(unknown, wait_their_turn=pending + added > settings.pending_symbols_soft_limit)
