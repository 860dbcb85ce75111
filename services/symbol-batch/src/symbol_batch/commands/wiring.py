"""The service's own parts, for commands that do its work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from riskstream.command_line import settings_from_environment
from riskstream.runtime.clock import clock_from_environment
from symbol_batch.main import Wiring, wired
from symbol_batch.settings import CommandSettings


@asynccontextmanager
async def service() -> AsyncIterator[Wiring]:
    """The parts, wired as for serving."""
    async with wired(settings_from_environment(CommandSettings), clock_from_environment()) as wiring:
        yield wiring
