"""The settings of portfolio-refresh, beside those that every service has."""

from typing import ClassVar

from pydantic import Field

from riskstream.runtime.settings import ServiceSettings


class PortfolioRefreshSettings(ServiceSettings):
    """Each is the environment variable `RISKSTREAM_<NAME>`."""

    http_port: int = Field(default=8002, ge=0, le=65535)

    chunk_portfolios: int = Field(default=500, ge=1)
    chunk_positions: int = Field(default=10_000, ge=1)
    """A chunk ends with either."""
    fold_snapshots: int = Field(default=50_000, ge=1)
    """Snapshots written in one transaction: a long history is folded a few portfolios at a time."""
    fold_rounds: int = Field(default=5, ge=1)
    """How often a portfolio that changed while it was folded is tried again at once."""

    sweep_seconds: float = Field(default=60.0, gt=0)
    sweep_grace_seconds: float = Field(default=60.0, ge=0)
    """How long a portfolio may be behind before the sweeper plans for it."""
    chunk_overdue_seconds: float = Field(default=300.0, gt=0)
    """How long after its event a chunk must have ended; then its event is said again."""


class CommandSettings(PortfolioRefreshSettings):
    """For commands, which write to the outbox and leave sending to a running service."""

    kafka: str = ""
    speaks_to_kafka: ClassVar[bool] = False
