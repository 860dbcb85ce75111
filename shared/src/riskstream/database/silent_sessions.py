"""Sessions whose client fell silent where Postgres' own time-outs do not look, and what ends them."""

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.get_logger(__name__)

WATCH_SECONDS = 10.0

# What idle_in_transaction_session_timeout is meant to end and cannot. asyncpg prepares a statement with Flush, without
# Sync: between the answer and the execution Postgres is in the middle of an exchange of messages, as it is between COPY
# and its rows, and while somebody reads a long answer. It calls the session active and waits for the client for ever,
# with every lock held: statement_timeout does not end that either, nor transaction_timeout a COPY.
# https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
_END_SILENT = text("""
SELECT pid, application_name, state_change, left(query, 200) AS query, pg_terminate_backend(pid) AS ended
FROM pg_stat_activity, LATERAL (
    SELECT current_setting('idle_in_transaction_session_timeout')::interval AS allowed
) role
WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
    AND state = 'active' AND wait_event_type = 'Client' AND wait_event IN ('ClientRead', 'ClientWrite')
    AND allowed > interval '0' AND state_change < clock_timestamp() - allowed
""")


async def end_silent_sessions(engine: AsyncEngine) -> int:
    """End the sessions of this role in this database whose client has been silent within a statement; return how many.

    Silent for longer than the role's `idle_in_transaction_session_timeout`; zero ends nothing. A client that sends
    one COPY for longer than that, or reads one answer so long, may be ended while Postgres waits for it: do it in
    pieces. Who wakes up again finds a connection that is gone, and a transaction that was rolled back.
    """
    async with engine.connect() as connection:
        ended = (await connection.execute(_END_SILENT)).all()
    for session in ended:
        log.warning(
            "silent_session_ended",
            pid=session.pid,
            application=session.application_name,
            since=session.state_change.isoformat(),
            query=session.query,
        )
    return len(ended)
