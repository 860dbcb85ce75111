"""The settings of analytics beside those that every service has."""

from datetime import timedelta

from pydantic import Field

from analytics.cache.redis import RedisTiming
from riskstream.runtime.configuration import RedisUrl
from riskstream.runtime.server_sent_events import StreamLimits
from riskstream.runtime.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """Seconds, except where the name says otherwise."""

    redis_url: RedisUrl
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
    """Between two looks at whether Postgres, Kafka and Redis can be reached."""

    warm_recent: int = Field(default=5_000, ge=0)
    """Portfolios whose last questions are remembered, to be answered again after a fold."""
    warm_questions: int = Field(default=4, ge=0)
    """Questions remembered for each of them."""
    warm_waiting: int = Field(default=5_000, ge=1)
    """Portfolios waiting to be warmed; more are left to be computed when they are asked about."""

    live_poll_seconds: float = Field(default=2.0, gt=0)
    """How often the portfolios that somebody follows are read, all in one statement: what a client waits for news
    while Kafka is silent."""
    streams_per_owner: int = Field(default=20, ge=1)
    """Of live updates, open at a time in one process."""
    streams_in_process: int = Field(default=2_000, ge=1)
    stream_longest_seconds: float = Field(default=900.0, gt=0)
    """Then a client is asked to come back, and to show a token that is still good."""
    ticket_seconds: float = Field(default=60.0, gt=0)
    """For so long a ticket to a stream can be used."""
    ticket_timeout: float = Field(default=2.0, gt=0)
    """For one call to Redis about a ticket; then the request is answered 503."""

    def stream_limits(self) -> StreamLimits:
        return StreamLimits(
            per_owner=self.streams_per_owner,
            in_process=self.streams_in_process,
            longest_seconds=self.stream_longest_seconds,
        )

    def redis_timing(self) -> RedisTiming:
        return RedisTiming(
            call_timeout=self.redis_call_timeout,
            rest_after_failure=self.redis_rest_after_failure,
            kept=timedelta(hours=self.redis_kept_hours),
        )
