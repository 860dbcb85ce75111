"""What can be wrong in a database: how it comes about, how it is mended, and what the doctor says meanwhile."""

from dataclasses import dataclass

from operating.patient import NOW


@dataclass(frozen=True)
class Fault:
    """What is done to the database, how it is undone, and what the doctor says meanwhile."""

    check: str
    breaks: str
    mends: str
    says: str


OWNER = "SET ROLE riskstream_owner; {}; RESET ROLE"
YEAR = NOW.year + 1
RUN = "00000000-0000-4000-8000-000000000001"

FAULTS = {
    "a grant is missing": Fault(
        "grants",
        OWNER.format("REVOKE SELECT ON symbols.outbox FROM symbol_batch"),
        OWNER.format("GRANT SELECT ON symbols.outbox TO symbol_batch"),
        "missing: DELETE, INSERT, SELECT ON symbols.outbox TO symbol_batch",
    ),
    "a service may write into the other layer": Fault(
        "grants",
        OWNER.format("GRANT UPDATE (close) ON symbols.market_data_cache TO portfolio_refresh"),
        OWNER.format("REVOKE UPDATE (close) ON symbols.market_data_cache FROM portfolio_refresh"),
        "nobody agreed on: UPDATE ON symbols.market_data_cache (close) TO portfolio_refresh",
    ),
    "a service may read a partition past its table": Fault(
        "grants",
        OWNER.format("GRANT SELECT ON valuations.portfolio_snapshots_default TO analytics"),
        OWNER.format("REVOKE SELECT ON valuations.portfolio_snapshots_default FROM analytics"),
        "analytics may SELECT valuations.portfolio_snapshots_default past its table",
    ),
    "owners' rows are not walled off": Fault(
        "grants",
        OWNER.format("ALTER TABLE portfolios.positions NO FORCE ROW LEVEL SECURITY"),
        OWNER.format("ALTER TABLE portfolios.positions FORCE ROW LEVEL SECURITY"),
        "missing: ROW SECURITY ON portfolios.positions",
    ),
    "a table is a service's own": Fault(
        "grants",
        "ALTER TABLE portfolios.creations OWNER TO onboarding",
        "ALTER TABLE portfolios.creations OWNER TO riskstream_owner; SET ROLE riskstream_owner;"
        "REVOKE ALL ON portfolios.creations FROM onboarding; RESET ROLE",
        "portfolios.creations (onboarding) is not riskstream_owner's",
    ),
    "a schema is behind the code": Fault(
        "migrations",
        "UPDATE valuations.alembic_version SET version_num = '0002'",
        "UPDATE valuations.alembic_version SET version_num = '{valuations}'",
        "valuations: revision 0002, the installed code needs",
    ),
    "a schema is ahead of the code": Fault(
        "migrations",
        "UPDATE symbols.alembic_version SET version_num = '9999'",
        "UPDATE symbols.alembic_version SET version_num = '{symbols}'",
        "revision 9999, which the installed code",
    ),
    "rows lie in a default partition": Fault(
        "partitions",
        "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at) "
        "VALUES ('SPY', '1990-01-02', 1, 'USD', 'test', now())",
        "DELETE FROM symbols.market_data_cache",
        "symbols.market_data_cache_default: 1 rows of years that have no partition",
    ),
    "the calendar ends too soon": Fault(
        "calendar",
        f"DELETE FROM symbols.trading_sessions WHERE session > '{NOW:%Y-%m-%d}'::date + 299",
        f"INSERT INTO symbols.trading_sessions VALUES ('{NOW:%Y-%m-%d}'::date + 300, now(), now(), false)",
        "needed are those up to",
    ),
    "the edition is two sessions old": Fault(
        "freshness",
        "UPDATE symbols.current_edition SET session = '2026-03-13'",
        "UPDATE symbols.current_edition SET session = '2026-03-17'",
        "edition: session 2026-03-13, 2 behind",
    ),
    "a night stands still": Fault(
        "nights",
        "INSERT INTO symbols.batch_runs (run_id, session, kind, state, fence, lease_until, started_at) "
        f"VALUES ('{RUN}', '2026-03-17', 'night', 'running', 1, now() - interval '1 hour', now())",
        "DELETE FROM symbols.batch_runs",
        "night 2026-03-17: running, its lease over for 36",
    ),
    "a requested symbol waits for hours": Fault(
        "nights",
        "INSERT INTO symbols.symbol_requests (symbol, state, requested_at) "
        "VALUES ('NEW', 'queued', now() - interval '3 hours')",
        "DELETE FROM symbols.symbol_requests",
        "1 queued, the oldest for 3.0 h",
    ),
    "a refresh run does not end": Fault(
        "refresh runs",
        "INSERT INTO valuations.refresh_runs (run_id, cause, session, edition, chunks, remaining, started_at) "
        f"VALUES ('{RUN}', 'night', '2026-03-17', 1, 1, 1, now() - interval '1 hour'); "
        f"INSERT INTO valuations.refresh_chunks (run_id, chunk, from_portfolio) VALUES ('{RUN}', 0, '{RUN}')",
        "DELETE FROM valuations.refresh_chunks; DELETE FROM valuations.refresh_runs",
        "night of 2026-03-17: 1 of 1 chunks open for 60 minutes",
    ),
    "a portfolio has no valuation": Fault(
        "valuations",
        "INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at, "
        f"changed_at) VALUES ('{RUN}', 'ana', 'p', 1, '2026-03-16', now(), now())",
        "DELETE FROM portfolios.portfolios",
        "1 wait for a valuation",
    ),
    "an event waits in the outbox": Fault(
        "outbox",
        "INSERT INTO portfolios.outbox (lane, id, topic, aggregatetype, aggregateid, type, payload, created_at) "
        "VALUES (3, gen_random_uuid(), 't', 'portfolio', 'p', 't.v1', '{{}}', now() - interval '10 minutes')",
        "DELETE FROM portfolios.outbox",
        "portfolios: 1 rows in 1 of 16 lanes, the oldest 60",
    ),
}
