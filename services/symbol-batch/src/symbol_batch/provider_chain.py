"""The providers that the settings name, paced and in order, as one; and what became of them so far."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.runtime.clock import Clock
from symbol_batch.providers.chain import Chain
from symbol_batch.providers.massive import URL, MassiveProvider
from symbol_batch.providers.paced import PacedProvider
from symbol_batch.providers.provider import Provider
from symbol_batch.providers.turns import Turns
from symbol_batch.providers.yahoo_messages import SetUp
from symbol_batch.providers.yahoo_processes import YahooProcesses
from symbol_batch.settings import NEEDED, ProviderName, SymbolBatchSettings
from symbol_batch.store.provider_limits import ProviderLimit, SharedLimits, provider_limits

LOG_SERVICE = "symbol-batch"
"""On the lines that a provider's own processes log."""


def provider_chain(settings: SymbolBatchSettings, engine: AsyncEngine, clock: Clock) -> Chain:
    """The chain that `settings.providers` names. To be called on the event loop; whoever has it closes it.

    Providers over a network share their pace with all processes on the same database. The last one is waited for when
    it refuses; the others are passed over.
    """
    limits = SharedLimits(engine, first_rate=settings.provider_rate)

    def turns(name: ProviderName) -> Turns:
        is_last = name == settings.providers[-1]
        return Turns(name, limits, patience=settings.provider_patience, waits_for_breaker=is_last)

    def made(name: ProviderName) -> Provider:
        match name:
            case "yahoo":
                return _yahoo(settings, turns(name))
            case "massive":
                return _massive(settings, clock, turns(name))
            case "files":
                # Here, because few read files, and pyarrow, which does, is a large part of a start and of its memory.
                from symbol_batch.providers.files import FilesProvider  # noqa: PLC0415

                assert settings.files_folder is not None, "the settings see to it"
                return FilesProvider(settings.files_folder)

    return Chain([made(name) for name in settings.providers])


@dataclass(frozen=True)
class ProviderStatus:
    """A provider as an operator sees it."""

    provider: str
    place: int | None
    """In the chain, the first is 1; None for one that is not in it any more."""
    configured: bool
    """Whether what it needs is there: its key, its folder."""
    limit: ProviderLimit | None
    """None where it was never asked, or is a folder."""


async def provider_status(settings: SymbolBatchSettings, connection: AsyncConnection) -> list[ProviderStatus]:
    """The chain in order, then every other provider that was ever asked."""
    limits = await provider_limits(connection)
    names = [*settings.providers, *sorted(limits.keys() - set(settings.providers))]
    return [
        ProviderStatus(
            name,
            place if place <= len(settings.providers) else None,
            name not in NEEDED or bool(getattr(settings, NEEDED[name][0])),
            limits.get(name),
        )
        for place, name in enumerate(names, 1)
    ]


def _yahoo(settings: SymbolBatchSettings, turns: Turns) -> Provider:
    set_up = SetUp(
        base=settings.yahoo_url,
        concurrency=settings.provider_concurrency,
        deadline=settings.provider_deadline,
        log_service=LOG_SERVICE,
        log_format=settings.log_format,
        log_level=settings.log_level,
    )
    provider = YahooProcesses(turns, set_up, processes=settings.provider_processes)
    return PacedProvider(provider, turns, in_flight=settings.provider_concurrency)


def _massive(settings: SymbolBatchSettings, clock: Clock, turns: Turns) -> Provider:
    assert settings.massive_key is not None, "the settings see to it"
    key, base = settings.massive_key.get_secret_value(), settings.massive_url or URL
    return PacedProvider(MassiveProvider(key, clock, base=base, hook=turns), turns)
