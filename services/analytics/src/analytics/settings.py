"""The settings of analytics beside those that every service has."""

from datetime import timedelta

from pydantic import Field

from analytics.cache.redis import RedisTiming
from riskstream.runtime.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """Seconds, except where the name says otherwise."""

    redis_url: str
    """`redis://host:port/database`."""
    redis_call_timeout: float = Field(default=0.2, gt=0)
    redis_rest_after_failure: float = Field(default=1.0, ge=0)
    redis_kept_hours: float = Field(default=48, gt=0)

    process_cache_bytes: int = Field(default=64_000_000, ge=0)

    head_timeout: float = Field(default=2.0, gt=0)
    """For one head; then the request is answered 503."""
    book_timeout: float = Field(default=10.0, gt=0)
    """For one statement of a computation."""
    book_pool_size: int = Field(default=4, ge=1)
    """Connections for computations; heads have `pool_size` of their own, so that no computation delays a hit."""

    calendar_refresh: float = Field(default=900, ge=0)
    probe_interval: float = Field(default=2.0, gt=0)
    """Between two looks at whether Postgres can be reached."""

    warm_recent: int = Field(default=5_000, ge=0)
    """Portfolios whose last questions are remembered, to be answered again after a fold."""
    warm_questions: int = Field(default=4, ge=0)
    """Questions remembered for each of them."""
    warm_waiting: int = Field(default=5_000, ge=1)
    """Portfolios waiting to be warmed; more are left to be computed when they are asked about."""

    def redis_timing(self) -> RedisTiming:
        return RedisTiming(
            call_timeout=self.redis_call_timeout,
            rest_after_failure=self.redis_rest_after_failure,
            kept=timedelta(hours=self.redis_kept_hours),
        )
