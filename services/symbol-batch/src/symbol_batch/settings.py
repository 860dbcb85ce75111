"""The settings of symbol-batch."""

from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from riskstream.runtime.settings import ServiceSettings

ProviderName: TypeAlias = Literal["yahoo", "massive", "files"]
NEEDED: dict[str, tuple[str, str]] = {
    "massive": ("massive_key", "RISKSTREAM_MASSIVE_KEY=<the key of your plan>"),
    "files": ("files_folder", "RISKSTREAM_FILES_FOLDER=/srv/market-data"),
}
"""The setting without which a provider cannot be had, and an example of it."""


class SymbolBatchSettings(ServiceSettings):
    """Everything in seconds unless the name says otherwise; each is read from `RISKSTREAM_<NAME>`."""

    http_port: int = Field(default=8001, ge=0, le=65535)

    yahoo_url: str | None = None
    """Where the provider's requests go instead of Yahoo's own hosts: the market simulator's address."""
    massive_url: str | None = None
    """Where Massive's requests go instead of its own host."""
    massive_key: SecretStr | None = None
    files_folder: Path | None = None
    """Where the files are that the provider `files` reads; the README describes them."""
    providers: Annotated[tuple[ProviderName, ...], NoDecode] = ("yahoo",)
    """In order of preference, commas between: the next is asked for what the one before did not give."""
    provider_rate: float = Field(default=500.0, gt=0, le=500)
    """Requests a second to a provider that nobody has asked yet; what it allows is found out and remembered."""
    provider_patience: float = Field(default=30.0, ge=0)
    """How long a request waits while a provider refuses; one that refuses for longer is passed over."""
    provider_concurrency: int = Field(default=10, ge=1, le=10)
    """Questions in flight to Yahoo; more than ten it takes for an attack."""
    provider_processes: int = Field(default=2, ge=1, le=10)
    """Processes that ask Yahoo. Each keeps one core busy while it has much to ask: with two, asking ten at a time waits
    for the answers and no longer for the processor."""
    provider_deadline: float = Field(default=60.0, gt=0)
    """For everything that one symbol's fetch sends, its retries included."""
    history_from: date = date(2019, 1, 2)

    companies: bool = True
    """Whether nights ask for profiles and statements; off where no provider has any."""
    profile_days: int = Field(default=30, ge=1)
    """Age at which a company's profile is asked for again."""
    profile_seconds: float = Field(default=600.0, ge=0)
    """Of a night, before its prices, for profiles; what it does not come to is first in the next one."""
    fundamentals_seconds: float = Field(default=600.0, ge=0)
    """The same for statements."""

    build: str = ""
    """What the code was built from, such as a commit: in the record of every run, behind the package's version."""

    reconcile_seconds: float = Field(default=30.0, gt=0)
    lease_seconds: float = Field(default=120.0, gt=0)
    chunk_symbols: int = Field(default=100, ge=1)
    """Symbols whose prices are committed together: what a killed night loses at most."""
    night_retry_seconds: float = Field(default=60.0, gt=0)
    """Before the second attempt of a failed night; doubles with each attempt up to fifteen minutes."""
    night_attempts: int = Field(default=3, ge=1)
    """Attempts a failed session has even when the next one is due already, before it is skipped."""
    not_found_sessions: int = Field(default=20, ge=1)
    """Consecutive sessions answered NOT_FOUND after which a symbol leaves the universe. A refusal never counts.

    A month: longer than a vendor takes to follow a change of ticker.
    """
    residual_nights: int = Field(default=5, ge=2)
    """Newest sessions whose residual series are kept: a valuation may lag behind, and analytics holds two editions."""

    request_poll_seconds: float = Field(default=2.0, gt=0)
    request_retry_seconds: float = Field(default=30.0, gt=0)
    """Before a requested symbol is tried again."""

    @field_validator("providers", mode="before")
    @classmethod
    def _names(cls, said: object) -> object:
        return tuple(filter(None, (name.strip() for name in said.split(",")))) if isinstance(said, str) else said

    @field_validator("providers")
    @classmethod
    def _can_be_had(cls, names: tuple[ProviderName, ...], info: ValidationInfo) -> tuple[ProviderName, ...]:
        if not names or len(set(names)) < len(names):
            known = ", ".join(get_args(ProviderName))
            raise ValueError(f"name each provider once, of {known}: for example RISKSTREAM_PROVIDERS=yahoo,massive")
        for name in names:
            setting, example = NEEDED.get(name, ("", ""))
            if setting and not info.data.get(setting):
                raise ValueError(f"{name} needs a setting more, for example {example}; or take {name} out of the list")
        return names


class CommandSettings(SymbolBatchSettings):
    """For commands, which write to the outbox and leave sending to a running service."""

    kafka: str = ""
    speaks_to_kafka: ClassVar[bool] = False
