"""Two kinds of trouble, told apart by type: what will pass, and what will not however often it is tried."""

import asyncpg
from aiokafka.errors import KafkaError
from sqlalchemy import exc as sqlalchemy_errors

from riskstream.events.envelope import UndecodableError


class DomainError(Exception):
    """The event was understood and cannot be acted upon, now or later. Its record becomes a dead letter."""


class TransientError(Exception):
    """Something that the work needs is away for now (a cache, a provider). The record is tried again, for ever."""


# SQLSTATE classes and codes that speak of the server's state, not of the record:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT_CLASSES = (
    "08",  # connection
    "40",  # rollback: serialization, deadlock
    "53",  # out of connections, memory or disk
    "57",  # cancelled by a statement time-out, shutting down, starting up
    "58",  # the server's own system calls
)
_TRANSIENT_CODES = frozenset(
    {
        "25006",  # read-only: a standby before its promotion
        "25P03",  # idle in transaction time-out
        "55P03",  # lock time-out
        # A migration or a grant that is not there yet: the deployment is wrong, not the record.
        "3F000",
        "42P01",
        "42703",
        "42501",
    }
)

_CONNECTION_LOST = (
    sqlalchemy_errors.TimeoutError  # of the pool
    | sqlalchemy_errors.PendingRollbackError  # a statement after the one that lost the connection
    | asyncpg.InternalClientError  # the driver, used on a connection that dies under it
)


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later without anybody touching the record.

    A group of errors is transient if one of them is: the others will show again, alone.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(is_transient(member) for member in error.exceptions)
    if isinstance(error, DomainError | UndecodableError):
        return False
    if isinstance(error, TransientError | OSError | KafkaError | _CONNECTION_LOST):
        return True
    if isinstance(error, sqlalchemy_errors.DBAPIError):
        return error.connection_invalidated or _driver_error_is_transient(error.orig)
    return _driver_error_is_transient(error)


def _driver_error_is_transient(error: BaseException | None) -> bool:
    """SQLAlchemy's adapter re-raises asyncpg's error under its own name and keeps the original as the cause."""
    while error is not None:
        if isinstance(error, asyncpg.PostgresError):
            state = error.sqlstate or ""
            return state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_CODES
        if isinstance(error, asyncpg.InterfaceError):
            # A value that does not fit its column is also an InterfaceError, and fits no better later.
            return not isinstance(error, ValueError)
        if isinstance(error, OSError):
            return True
        error = error.__cause__
    return False
