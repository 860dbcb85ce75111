"""The service's own parts, for commands that do its work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from riskstream.command_line import settings_from_environment
from riskstream.runtime.clock import clock_from_environment
from symbol_batch.settings import CommandSettings

if TYPE_CHECKING:
    from symbol_batch.main import Wiring


@asynccontextmanager
async def service() -> "AsyncIterator[Wiring]":
    """The parts, wired as for serving."""
    # Here, because it brings the whole service along: commands that only look something up wait for none of it.
    from symbol_batch.main import wired  # noqa: PLC0415

    async with wired(settings_from_environment(CommandSettings), clock_from_environment()) as wiring:
        yield wiring
