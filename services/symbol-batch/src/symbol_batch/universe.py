"""Who is worked on: symbols taken in, left out, taken in again, and renamed with their history kept.

A symbol that is left out stays in the editions there are and is in none that comes. Whoever holds it then is told why:
its request stands as failed, with the reason, until somebody asks for it after the time that failures are remembered.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.prices import closes_apart, copy_history
from symbol_batch.store import companies, editions, requests
from symbol_batch.store import universe as store

OTHER_SERIES = 3
"""Sessions on which two names closed differently from which on they are two companies."""


class UniverseRefusal(Exception):
    """The change cannot be made; the message says why, and nothing was changed."""


async def add(connection: AsyncConnection, symbols: Sequence[str], now: datetime) -> list[str]:
    """Make symbols active: the next night takes them in. Returns those that were not."""
    await _refuse_renamed(connection, symbols)
    return await store.activate(connection, symbols, now)


async def reactivate(connection: AsyncConnection, symbols: Sequence[str], now: datetime) -> list[str]:
    """Make inactive symbols active and ask for those that the current edition lacks: they join it at once."""
    await _refuse_unknown(connection, symbols)
    await _refuse_renamed(connection, symbols)
    reactivated = await store.activate(connection, symbols, now)
    await _enqueue_missing(connection, reactivated)
    return reactivated


async def deactivate(connection: AsyncConnection, symbols: Sequence[str], reason: str, now: datetime) -> list[str]:
    """Leave symbols out of later nights. Returns those that were active. Benchmarks are in every night."""
    needed = sorted(set(symbols) & set(BENCHMARKS))
    if needed:
        raise UniverseRefusal(f"{', '.join(needed)}: every exposure needs the benchmarks; they cannot be left out")
    await _refuse_unknown(connection, symbols)
    dropped = await store.deactivate(connection, symbols, reason, now)
    await requests.refuse(connection, dropped, "deactivated", reason)
    return dropped


async def rename(connection: AsyncConnection, old: str, new: str, effective: date, now: datetime) -> None:
    """Let `old` go on as `new` from the session `effective`: its history becomes that of the new name, which joins the
    current edition by a request of its own and is compared with what the provider says of it.

    Where an edition contains the new name already, its own history stands. UniverseRefusal where the two are different
    companies by their closes, where `old` is unknown, and where one of them has another name since.
    """
    if old == new:
        raise UniverseRefusal(f"{old} is its own name already")
    if old in BENCHMARKS:
        raise UniverseRefusal(f"{old} is a benchmark; name its successor in the code's factor definitions")
    await _refuse_unknown(connection, [old])
    onwards = await store.renamed(connection, [old, new])
    if old in onwards:
        raise UniverseRefusal(f"{old} goes on as {onwards[old][0]} already; rename that one")
    if new in onwards and onwards[new][0] != old:
        raise UniverseRefusal(f"{new} goes on as {onwards[new][0]}; rename to that one")
    await _refuse_other_series(connection, old, new)
    if new not in await editions.published_sessions(connection, [new]):
        await copy_history(connection, old, new)
        await companies.copy_company(connection, old, new)
    await store.record_rename(connection, old, new, effective, now)
    reason = f"renamed to {new} from {effective}"
    await store.deactivate(connection, [old], reason, now)
    await requests.refuse(connection, [old], "renamed", reason)
    await store.activate(connection, [new], now)
    await _enqueue_missing(connection, [new])


async def _enqueue_missing(connection: AsyncConnection, symbols: Sequence[str]) -> None:
    there = await editions.published_sessions(connection, symbols)
    await requests.enqueue(connection, [symbol for symbol in symbols if symbol not in there])


async def _refuse_unknown(connection: AsyncConnection, symbols: Sequence[str]) -> None:
    known = {row["symbol"] for row in await store.list_universe(connection, symbols)}
    unknown = sorted(set(symbols) - known)
    if unknown:
        raise UniverseRefusal(f"{', '.join(unknown)}: not in the universe; `riskstream universe add` takes symbols in")


async def _refuse_renamed(connection: AsyncConnection, symbols: Sequence[str]) -> None:
    onwards = await store.renamed(connection, symbols)
    if onwards:
        told = ", ".join(f"{old} goes on as {new} since {since}" for old, (new, since) in sorted(onwards.items()))
        raise UniverseRefusal(f"{told}; name the new one, or rename it back")


async def _refuse_other_series(connection: AsyncConnection, old: str, new: str) -> None:
    apart, common = await closes_apart(connection, old, new)
    if apart >= OTHER_SERIES:
        raise UniverseRefusal(
            f"{old} and {new} closed differently on {apart} of {common} sessions: they are two companies"
        )
