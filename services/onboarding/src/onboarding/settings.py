"""The settings of onboarding, beside those that every service has."""

from pydantic import Field

from riskstream.runtime.server_sent_events import StreamLimits
from riskstream.runtime.settings import ServiceSettings


class OnboardingSettings(ServiceSettings):
    """Each is the environment variable `RISKSTREAM_<NAME>`."""

    valuation_wait_ms: int = Field(default=800, ge=0)
    """How long a creation waits for its first valuation before it answers `pending`."""
    valuation_poll_ms: int = Field(default=50, ge=5)

    pending_symbols_soft_limit: int = Field(default=100, ge=0)
    """Above it a portfolio with new symbols is answered `pending` at once: its symbols wait their turn."""
    pending_symbols_hard_limit: int = Field(default=1_000, ge=1)
    """Above it a portfolio with new symbols is refused before anything is stored."""
    retry_after_seconds: int = Field(default=30, ge=1)

    request_max_bytes: int = Field(default=10 * 1024 * 1024, ge=1)
    portfolio_max_rows: int = Field(default=50_000, ge=1)

    progress_poll_ms: int = Field(default=300, ge=10)
    """How often portfolios whose progress somebody follows are read."""
    streams_per_owner: int = Field(default=6, ge=1)
    """Of progress, open at a time in one process; as many as a browser opens to one server."""
    streams_in_process: int = Field(default=200, ge=1)
    stream_longest_seconds: float = Field(default=900.0, gt=0)
    """Then a client is asked to come back, and to show a token that is still good."""

    sweep_seconds: float = Field(default=60.0, gt=0)
    """How often symbols are looked for that are held, unknown, and not being worked on."""

    def stream_limits(self) -> StreamLimits:
        return StreamLimits(
            per_owner=self.streams_per_owner,
            in_process=self.streams_in_process,
            longest_seconds=self.stream_longest_seconds,
        )
