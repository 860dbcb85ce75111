"""How long everything may take. Tests shorten it; production keeps the defaults."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskstream.runtime.settings import ServiceSettings


class ConsumerTiming(BaseModel):
    """Seconds, except where the name says records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_timeout: float = 30.0
    heartbeat_interval: float = 3.0
    rebalance_timeout: float = 60.0
    """Must exceed the longest batch: the group waits that long for a member to finish and join again."""
    max_poll_interval: float = 300.0
    max_poll_records: int = Field(default=500, ge=1)
    poll_timeout: float = 0.5
    fetch_max_wait: float = 0.25
    metadata_max_age: float = 60.0
    start_timeout: float = 60.0
    commit_timeout: float = 10.0
    drain_timeout: float = 20.0
    """What a batch in hand may still take after the order to stop."""
    close_timeout: float = 10.0
    retry_base: float = 0.2
    retry_cap: float = 30.0
    measure_interval: float = 5.0
    """Between two questions to Kafka about where the group's partitions begin and end."""
    stuck_after: float = 120.0
    """With records waiting and none settled for this long, the consumer calls itself dead."""

    @property
    def join_timeout(self) -> float:
        """How long to be given partitions: the others end their batches, and who is gone is counted out."""
        return self.rebalance_timeout + self.session_timeout


class RelayTiming(BaseModel):
    """Seconds, except where the name says rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    poll_interval: float = 1.0
    batch_rows: int = Field(default=1_000, ge=1)
    send_timeout: float = 8.0
    """For the acknowledgements of a batch. What is not known to have arrived by then is sent again."""
    start_timeout: float = 8.0
    lane_timeout: float = 12.0
    """From a relay that stands still so long with a lane in its hands Postgres takes it, for the others to drain."""
    transaction_timeout: float = 30.0
    close_timeout: float = 10.0
    retry_base: float = 0.2
    retry_cap: float = 30.0
    measure_interval: float = 5.0
    stuck_after: float = 120.0
    """Without a turn of its loop for this long, the relay calls itself dead."""
    metadata_max_age: float = 60.0
    start_patience: float = 60.0
    """How long a process that starts is unready because Kafka was never reached; what it says waits in the outbox."""

    @model_validator(mode="after")
    def _waits_are_shorter_than_the_lane(self) -> Self:
        longest = max(self.send_timeout, self.start_timeout)
        if longest >= self.lane_timeout:
            raise ValueError(
                f"a relay that waits {longest} s for Kafka would lose its lane after {self.lane_timeout} s:"
                " lower send_timeout and start_timeout below lane_timeout"
            )
        return self


def relay_timing(settings: ServiceSettings) -> RelayTiming:
    """The timing of a service's relay, by its settings."""
    return RelayTiming(start_patience=settings.start_patience)


def consumer_timing(settings: ServiceSettings) -> ConsumerTiming:
    """The timing of a service's consumers, by its settings."""
    session_timeout = settings.kafka_session_timeout_ms / 1000
    return ConsumerTiming(
        session_timeout=session_timeout,
        rebalance_timeout=settings.kafka_rebalance_timeout_ms / 1000,
        heartbeat_interval=min(3.0, session_timeout / 3),
    )
