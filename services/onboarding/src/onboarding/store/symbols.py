"""What the symbol layer knows of symbols, and how many it is bringing in."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_UNKNOWN = text("""
SELECT asked.symbol FROM unnest(CAST(:symbols AS text[])) AS asked (symbol)
WHERE NOT EXISTS (SELECT FROM symbols.current_edition c
                  JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                  WHERE m.symbol = asked.symbol)
ORDER BY asked.symbol
""")


_QUEUE = text("""
SELECT count(*) AS pending, count(*) FILTER (WHERE symbol = ANY (CAST(:symbols AS text[]))) AS among_them
FROM symbols.symbol_requests WHERE state IN ('queued', 'running', 'waiting_for_provider')
""")


async def unknown_symbols(connection: AsyncConnection, symbols: Sequence[str]) -> list[str]:
    """Those of `symbols`, sorted, that the current edition does not contain."""
    return list((await connection.execute(_UNKNOWN, {"symbols": list(symbols)})).scalars())


async def symbol_queue(connection: AsyncConnection, symbols: Sequence[str]) -> tuple[int, int]:
    """How many symbols are being brought in, and how many `symbols` would add to them."""
    row = (await connection.execute(_QUEUE, {"symbols": list(symbols)})).one()
    return row.pending, len(symbols) - row.among_them


_NEW_NAMES = text("SELECT symbol, renamed_to FROM symbols.symbol_renames WHERE symbol = ANY (CAST(:symbols AS text[]))")


async def new_names(connection: AsyncConnection, symbols: Sequence[str]) -> dict[str, str]:
    """The name that each renamed one of `symbols` goes on under."""
    rows = await connection.execute(_NEW_NAMES, {"symbols": list(symbols)})
    return {row.symbol: row.renamed_to for row in rows}
