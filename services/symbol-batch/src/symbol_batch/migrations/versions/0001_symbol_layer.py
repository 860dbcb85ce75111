"""The symbol layer: universe, prices, actions, editions with their exposures and metrics, runs, requests.

Prices and exposures are double precision: they are measurements that enter arithmetic, and a price that was rounded
on its way into the database would move a beta in the seventh digit. Money of people is NUMERIC, in the portfolio layer.
"""

from alembic import op

from riskstream.database.migrations import execute_script
from riskstream.messaging.tables import create_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "symbols"

TABLES = """
CREATE TABLE symbols.symbol_universe (
    symbol text PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('active', 'inactive')),
    added_at timestamptz NOT NULL,
    not_found_sessions integer NOT NULL DEFAULT 0,  -- consecutive sessions answered NOT_FOUND
    deactivated_at timestamptz,
    deactivation_reason text
);

CREATE TABLE symbols.trading_sessions (
    session date PRIMARY KEY,
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    early_close boolean NOT NULL
);

-- As traded: neither splits nor dividends are in these prices. A row is never rewritten because of a later split.
CREATE TABLE symbols.market_data_cache (
    symbol text NOT NULL,
    session date NOT NULL,
    open double precision,
    high double precision,
    low double precision,
    close double precision NOT NULL,
    volume bigint,
    currency text NOT NULL,
    source text NOT NULL,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (symbol, session)
) PARTITION BY RANGE (session);
CREATE TABLE symbols.market_data_cache_default PARTITION OF symbols.market_data_cache DEFAULT;

CREATE TABLE symbols.corporate_actions (
    symbol text NOT NULL,
    ex_date date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('split', 'distribution', 'dividend')),
    ratio double precision CHECK (ratio > 0),    -- new shares per old share, of a split or distribution
    amount double precision,                     -- USD per share as traded before the ex-date, of a dividend
    source text NOT NULL,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (symbol, ex_date, kind),
    CHECK ((kind = 'dividend') = (amount IS NOT NULL)),
    CHECK ((kind = 'dividend') = (ratio IS NULL))
);

CREATE TABLE symbols.batch_runs (
    run_id uuid PRIMARY KEY,
    session date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('night')),
    state text NOT NULL CHECK (state IN ('running', 'completed', 'completed_with_warnings', 'failed', 'skipped')),
    reason text,
    fence bigint NOT NULL,
    leased_by text,
    lease_until timestamptz,
    attempt integer NOT NULL DEFAULT 1,
    next_attempt_at timestamptz,
    edition bigint,
    steps jsonb NOT NULL DEFAULT '[]',
    counts jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (session, kind)
);
CREATE SEQUENCE symbols.fences;

-- What each symbol's fetch came to, committed with its prices: the point where a killed run resumes.
CREATE TABLE symbols.run_fetches (
    run_id uuid NOT NULL REFERENCES symbols.batch_runs,
    symbol text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('OK', 'NOT_FOUND', 'RATE_LIMITED', 'TRANSPORT', 'BAD_DATA', 'STALE')),
    detail text,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, symbol)
);

CREATE TABLE symbols.editions (
    edition bigint PRIMARY KEY,
    session date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('night', 'revision')),
    run_id uuid NOT NULL,
    published_at timestamptz NOT NULL
);

-- One row: the edition that readers use. Publishing and adding a symbol both take its lock.
CREATE TABLE symbols.current_edition (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    edition bigint NOT NULL REFERENCES symbols.editions,
    session date NOT NULL
);

-- The symbols whose history changed with an edition, and from which session.
CREATE TABLE symbols.revisions (
    edition bigint NOT NULL REFERENCES symbols.editions,
    symbol text NOT NULL,
    prices_revised_from date NOT NULL,
    PRIMARY KEY (edition, symbol)
);
CREATE INDEX revisions_by_symbol ON symbols.revisions (symbol, edition);

CREATE TABLE symbols.symbol_factor_exposures (
    session date NOT NULL,
    edition bigint NOT NULL,
    symbol text NOT NULL,
    factor text NOT NULL,
    beta double precision,
    standard_error double precision,
    standard_error_newey_west double precision,
    t_statistic double precision,
    t_statistic_newey_west double precision,
    r_squared double precision,
    observations smallint NOT NULL,
    window_sessions smallint NOT NULL,
    method text NOT NULL CHECK (method IN ('ols', 'ridge')),
    status text NOT NULL CHECK (status IN ('estimated', 'null')),
    reason text,
    extreme boolean NOT NULL DEFAULT false,
    run_id uuid NOT NULL,
    PRIMARY KEY (session, edition, symbol, factor),
    CHECK ((status = 'null') = (beta IS NULL)),
    CHECK ((status = 'null') = (reason IS NOT NULL))
) PARTITION BY RANGE (session);
CREATE TABLE symbols.symbol_factor_exposures_default PARTITION OF symbols.symbol_factor_exposures DEFAULT;

-- One row for each symbol an edition contains: what makes a symbol known.
CREATE TABLE symbols.symbol_daily_metrics (
    edition bigint NOT NULL REFERENCES symbols.editions,
    symbol text NOT NULL,
    session date NOT NULL,
    price double precision,
    price_session date,
    return_1d double precision,
    return_1m double precision,
    return_3m double precision,
    return_mtd double precision,
    return_ytd double precision,
    return_1y double precision,
    market_beta double precision,
    ir_beta double precision,
    value_beta double precision,
    growth_beta double precision,
    momentum_beta double precision,
    quality_beta double precision,
    size_beta double precision,
    low_volatility_beta double precision,
    growth_value_spread_beta double precision,
    momentum_spread_beta double precision,
    size_spread_beta double precision,
    quality_spread_beta double precision,
    data_quality double precision NOT NULL,
    reasons jsonb NOT NULL DEFAULT '{}',  -- column name to the reason why it is null
    run_id uuid NOT NULL,
    PRIMARY KEY (edition, symbol)
);

CREATE TABLE symbols.symbol_requests (
    symbol text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'waiting_for_provider', 'ready', 'failed')),
    step text,
    attempt integer NOT NULL DEFAULT 0,
    requested_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    fence bigint,
    leased_by text,
    lease_until timestamptz,
    last_outcome text,
    reason text,
    detail text,
    finished_at timestamptz
);
"""

GRANTS = """
GRANT USAGE ON SCHEMA symbols TO symbol_batch, symbols_reader;
GRANT SELECT, INSERT, UPDATE ON symbols.symbol_universe, symbols.trading_sessions, symbols.market_data_cache,
    symbols.corporate_actions, symbols.batch_runs, symbols.run_fetches, symbols.current_edition, symbols.symbol_requests
    TO symbol_batch;
GRANT DELETE ON symbols.corporate_actions, symbols.trading_sessions TO symbol_batch;
GRANT SELECT, INSERT ON symbols.editions, symbols.revisions, symbols.symbol_factor_exposures,
    symbols.symbol_daily_metrics TO symbol_batch;
GRANT USAGE ON SEQUENCE symbols.fences TO symbol_batch;
GRANT SELECT, INSERT, DELETE ON symbols.outbox TO symbol_batch;
GRANT SELECT, UPDATE ON symbols.outbox_lane TO symbol_batch;
GRANT SELECT, INSERT, DELETE ON symbols.inbox TO symbol_batch;

GRANT SELECT ON symbols.trading_sessions, symbols.market_data_cache, symbols.corporate_actions, symbols.editions,
    symbols.current_edition, symbols.revisions, symbols.symbol_factor_exposures, symbols.symbol_daily_metrics,
    symbols.symbol_requests
    TO symbols_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    create_messaging_tables(op, SCHEMA)
    execute_script(op, GRANTS)
