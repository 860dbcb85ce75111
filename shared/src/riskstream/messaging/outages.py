"""What the Kafka client says again and again while its servers are away, said once when they go and once when back."""

import logging
import ssl
import time

import structlog
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    StaleMetadata,
    UnsupportedSaslMechanismError,
)

log = structlog.get_logger(__name__)

_LOGGERS = (
    "aiokafka",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)
_OUT_OF_REACH = (
    KafkaConnectionError | NodeNotReadyError | RequestTimedOutError | KafkaTimeoutError | StaleMetadata | OSError
)
_NOT_LET_IN = ssl.SSLError | SaslAuthenticationFailed | UnsupportedSaslMechanismError | IllegalSaslStateError
_CONCLUSIONS = ("Unable to update metadata from", "Marking the coordinator dead", "Heartbeat session expired")
"""What the client concludes from failed connections, without telling the error. Alone they may mean something else."""


REFUSALS = "docs/runbooks/kafka-security.md, What is refused"


class OutageFilter(logging.Filter):
    """Drops the client's lines about connections that fail, and says itself when that begins and when it is over.

    Every other line passes: a certificate or a password that is refused, a topic that is missing, a group that
    rebalances. A refusal is remembered besides, because the client raises no more than that it is not connected, and
    told once with where it is said how to mend it. An outage is over with the first answer after `calm` seconds
    without a failure, so that one broker of many that stays away is one outage although the others answer.
    """

    def __init__(self, calm: float = 10.0) -> None:
        super().__init__()
        self._calm = calm
        self._began_at: float | None = None
        self._failed_at = 0.0
        self._dropped = 0
        self._told_refusal: str | None = None
        self.failure: str | None = None
        """What the client said of a connection that failed, the last time since this was emptied."""
        self.refusal: str | None = None
        """Why a broker did not let us in, or was not believed to be one, the last time since this was emptied."""

    def watch(self) -> None:
        """Listen to the client's loggers; any number of times."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the client's line is to be logged."""
        if record.levelno < logging.WARNING:
            return True
        if (refused := _refusal(record)) is not None:
            self._note_refusal(refused)
        if _tells_of_a_failed_connection(record):
            self._fail(record)
            return False
        if self._began_at is not None and _follows_from_failed_connections(record):
            self._dropped += 1
            return False
        return True

    def answered(self) -> None:
        """A server has answered somebody in this process."""
        if self._began_at is None or time.monotonic() - self._failed_at < self._calm:
            return
        away = self._failed_at - self._began_at
        log.warning("kafka_back", away_seconds=round(away, 1), lines_not_logged=self._dropped)
        self._began_at = None

    def let_in(self) -> None:
        """A client has connected."""
        if self._told_refusal is not None:
            log.warning("kafka_lets_in_again", refused_before=self._told_refusal)
        self._told_refusal = self.refusal = None

    def _note_refusal(self, error: BaseException) -> None:
        self.refusal = str(error)
        if self.refusal != self._told_refusal:
            log.error("kafka_refused", reason=self.refusal, mend=REFUSALS)
            self._told_refusal = self.refusal

    def _fail(self, record: logging.LogRecord) -> None:
        self._failed_at = time.monotonic()
        self.failure = _said(record)
        if self._began_at is None:
            self._began_at, self._dropped = self._failed_at, 0
            log.warning("kafka_lost", client=record.name, said=self.failure)
        else:
            self._dropped += 1


def _tells_of_a_failed_connection(record: logging.LogRecord) -> bool:
    return any(isinstance(part, _OUT_OF_REACH) and not isinstance(part, ssl.SSLError) for part in _arguments(record))


def _refusal(record: logging.LogRecord) -> BaseException | None:
    return next((part for part in _arguments(record) if isinstance(part, _NOT_LET_IN)), None)


def _follows_from_failed_connections(record: logging.LogRecord) -> bool:
    electing = any(isinstance(part, GroupCoordinatorNotAvailableError) for part in _arguments(record))
    return electing or str(record.msg).startswith(_CONCLUSIONS)


def _said(record: logging.LogRecord) -> str:
    """The line; an error without a text, as that of a broker that hangs up amid a handshake, by its name."""
    unnamed = [repr(part) for part in _arguments(record) if isinstance(part, Exception) and not str(part)]
    return record.getMessage() + "".join(unnamed)


def _arguments(record: logging.LogRecord) -> tuple[object, ...]:
    return record.args if isinstance(record.args, tuple) else ()


OUTAGE = OutageFilter()
"""The process's own: its consumers, listeners and relay speak to one cluster."""
