"""The settings of symbol-batch."""

from datetime import date

from pydantic import Field

from riskstream.runtime.settings import ServiceSettings


class SymbolBatchSettings(ServiceSettings):
    """Everything in seconds unless the name says otherwise; each is read from `RISKSTREAM_<NAME>`."""

    http_port: int = Field(default=8001, ge=0, le=65535)

    yahoo_url: str | None = None
    """Where the provider's requests go instead of Yahoo's own hosts: the market simulator's address."""
    provider_concurrency: int = Field(default=10, ge=1, le=10)
    """Requests in flight; more than ten the provider takes for an attack."""
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

    reconcile_seconds: float = Field(default=30.0, gt=0)
    lease_seconds: float = Field(default=120.0, gt=0)
    chunk_symbols: int = Field(default=100, ge=1)
    """Symbols whose prices are committed together: what a killed night loses at most."""
    night_retry_seconds: float = Field(default=60.0, gt=0)
    """Before the second attempt of a failed night; doubles with each attempt up to fifteen minutes."""
    night_attempts: int = Field(default=3, ge=1)
    """Attempts a failed session has even when the next one is due already, before it is skipped."""
    not_found_sessions: int = Field(default=5, ge=1)
    """Consecutive sessions answered NOT_FOUND after which a symbol leaves the universe. A refusal never counts."""
    residual_nights: int = Field(default=5, ge=2)
    """Newest sessions whose residual series are kept: a valuation may lag behind, and analytics holds two editions."""

    request_poll_seconds: float = Field(default=2.0, gt=0)
    request_retry_seconds: float = Field(default=30.0, gt=0)
    """Before a requested symbol is tried again."""


class CommandSettings(SymbolBatchSettings):
    """For commands, which write to the outbox and leave sending to a running service."""

    kafka: str = ""
