"""The database as commands use it: with the service's own role and settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.command_line import UsedWrongly, settings_from_environment
from riskstream.database.engine import create_engine
from riskstream.symbology import InvalidSymbolError, normalise
from symbol_batch.settings import CommandSettings


@asynccontextmanager
async def database() -> AsyncIterator[AsyncEngine]:
    """An engine on `RISKSTREAM_POSTGRES_DSN`; its connections are closed at the end."""
    settings = settings_from_environment(CommandSettings)
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application="riskstream", pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


def normalised(texts: list[str]) -> list[str]:
    """The symbols that somebody wrote, in our form, each once; UsedWrongly where one can be none."""
    try:
        return sorted({normalise(text) for text in texts})
    except InvalidSymbolError as error:
        raise UsedWrongly(f"nothing was done: {error}") from error
