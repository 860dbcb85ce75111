"""What portfolios are worth: heads, snapshots, position values, and the refresh runs that wrote them.

Amounts are USD. Row-level security as in the schema `portfolios`: a request sees one owner's rows. One function,
`valuations.head`, answers ownership, freshness and version in one primary-key read; it is owned by a role that can
do nothing else.
"""

from alembic import op

from riskstream.database.migrations import execute_script
from riskstream.messaging.tables import create_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "valuations"

TABLES = """
CREATE TABLE valuations.valuation_heads (
    portfolio_id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    valuation bigint NOT NULL CHECK (valuation >= 1),
    portfolio_version bigint NOT NULL,
    edition bigint NOT NULL,
    session date NOT NULL,
    unknown_symbols text[] NOT NULL DEFAULT '{}',  -- held, but not in the edition when it was folded
    folded_at timestamptz NOT NULL
);
CREATE INDEX valuation_heads_behind ON valuations.valuation_heads (edition);
CREATE INDEX valuation_heads_waiting ON valuations.valuation_heads USING gin (unknown_symbols)
    WHERE unknown_symbols <> '{}';

CREATE TABLE valuations.portfolio_snapshots (
    portfolio_id uuid NOT NULL,
    session date NOT NULL,
    owner_id text NOT NULL,
    nav numeric(24, 4) NOT NULL,
    cash numeric(24, 4) NOT NULL,
    long_value numeric(24, 4) NOT NULL,
    short_value numeric(24, 4) NOT NULL,            -- <= 0
    gross_value numeric(24, 4) NOT NULL,
    net_value numeric(24, 4) NOT NULL,
    pnl numeric(24, 4) NOT NULL,
    pnl_price numeric(24, 4) NOT NULL,
    pnl_dividend numeric(24, 4) NOT NULL,
    pnl_in_kind numeric(24, 4) NOT NULL,
    pnl_trading numeric(24, 4) NOT NULL,
    daily_return double precision,                  -- null where the NAV before was not positive
    cumulative_pnl numeric(24, 4) NOT NULL,
    flow numeric(24, 4) NOT NULL,
    positions integer NOT NULL,
    stale integer NOT NULL,
    unpriced integer NOT NULL,
    coverage double precision,                      -- priced share of gross value; null where gross is 0
    edition bigint NOT NULL,
    valuation bigint NOT NULL,                      -- the fold that wrote the row
    revision integer NOT NULL DEFAULT 0,            -- times the row was changed after it was first written
    run_id uuid,
    PRIMARY KEY (portfolio_id, session)
) PARTITION BY RANGE (session);
CREATE TABLE valuations.portfolio_snapshots_default PARTITION OF valuations.portfolio_snapshots DEFAULT;

-- The open positions, and those closed that day, as of the head's session. Every row is updated every night: with
-- room on its page that touches no index.
CREATE TABLE valuations.position_values (
    portfolio_id uuid NOT NULL,
    position_id uuid NOT NULL,
    owner_id text NOT NULL,
    session date NOT NULL,
    symbol text NOT NULL,
    investment_class text NOT NULL,
    quantity numeric(28, 10) NOT NULL,              -- effective: after the splits gone ex since entry
    multiplier numeric(12, 4) NOT NULL,
    price double precision,
    price_session date,
    price_status text NOT NULL CHECK (price_status IN ('priced', 'stale', 'unpriced', 'manual')),
    market_value numeric(24, 4) NOT NULL,
    pnl numeric(24, 4) NOT NULL,
    PRIMARY KEY (portfolio_id, position_id)
) WITH (fillfactor = 60);

CREATE TABLE valuations.refresh_runs (
    run_id uuid PRIMARY KEY,
    cause text NOT NULL CHECK (cause IN ('night', 'revision', 'sweep')),
    session date NOT NULL,
    edition bigint NOT NULL,
    chunks integer NOT NULL,
    remaining integer NOT NULL CHECK (remaining >= 0),
    chunks_failed integer NOT NULL DEFAULT 0,
    portfolios integer NOT NULL DEFAULT 0,
    portfolios_failed integer NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE TABLE valuations.refresh_chunks (
    run_id uuid NOT NULL REFERENCES valuations.refresh_runs,
    chunk integer NOT NULL,
    from_portfolio uuid NOT NULL,                   -- inclusive
    to_portfolio uuid,                              -- exclusive; null for the last chunk, which is open-ended
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed')),
    reason text,
    worked_by text,
    portfolios integer,
    announced_at timestamptz NOT NULL DEFAULT now(),  -- when its event was last said
    ended_at timestamptz,
    PRIMARY KEY (run_id, chunk)
);

CREATE TABLE valuations.refresh_failures (
    run_id uuid NOT NULL,
    portfolio_id uuid NOT NULL,
    owner_id text NOT NULL,
    portfolio_version bigint NOT NULL,
    edition bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (run_id, portfolio_id)
);
CREATE INDEX refresh_failures_by_portfolio ON valuations.refresh_failures (portfolio_id);
"""

OWNED = ("valuation_heads", "portfolio_snapshots", "position_values", "refresh_failures")

GRANTS = """
GRANT USAGE ON SCHEMA valuations TO portfolio_refresh, onboarding_api, analytics, analytics_api, valuation_head_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON valuations.valuation_heads, valuations.portfolio_snapshots,
    valuations.position_values TO portfolio_refresh;
GRANT SELECT, INSERT, UPDATE ON valuations.refresh_runs, valuations.refresh_chunks, valuations.refresh_failures
    TO portfolio_refresh;
GRANT SELECT, INSERT, DELETE ON valuations.outbox TO portfolio_refresh;
GRANT SELECT, UPDATE ON valuations.outbox_lane TO portfolio_refresh;
GRANT SELECT, INSERT, DELETE ON valuations.inbox TO portfolio_refresh;

GRANT SELECT ON valuations.valuation_heads TO onboarding_api;
GRANT SELECT ON valuations.valuation_heads, valuations.portfolio_snapshots, valuations.position_values TO analytics_api;

GRANT SELECT ON valuations.valuation_heads TO valuation_head_reader;
"""

HEAD = """
GRANT USAGE ON SCHEMA symbols TO valuation_head_reader;
GRANT SELECT ON symbols.current_edition TO valuation_head_reader;
GRANT CREATE ON SCHEMA valuations TO valuation_head_reader;

CREATE FUNCTION valuations.head(asking_owner text, asked_portfolio uuid)
RETURNS TABLE (
    current_version bigint,
    valuation bigint,
    portfolio_version bigint,
    edition bigint,
    session date,
    current_edition bigint,
    current_session date
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT p.version, h.valuation, h.portfolio_version, h.edition, h.session, c.edition, c.session
    FROM portfolios.portfolios p
    LEFT JOIN valuations.valuation_heads h ON h.portfolio_id = p.portfolio_id
    LEFT JOIN symbols.current_edition c ON true
    WHERE p.portfolio_id = asked_portfolio AND p.owner_id = asking_owner AND p.deleted_at IS NULL;
END;

COMMENT ON FUNCTION valuations.head IS
    'No row: no such portfolio, or another owner''s. valuation null: not valued yet. '
    'portfolio_version below current_version: a change waits for its fold.';
ALTER FUNCTION valuations.head OWNER TO valuation_head_reader;
REVOKE CREATE ON SCHEMA valuations FROM valuation_head_reader;
"""

HEAD_GRANTS = """
SET ROLE valuation_head_reader;
REVOKE ALL ON FUNCTION valuations.head FROM PUBLIC;
GRANT EXECUTE ON FUNCTION valuations.head TO analytics;
SET ROLE riskstream_owner;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    create_messaging_tables(op, SCHEMA)
    for table in OWNED:
        op.execute(f"ALTER TABLE valuations.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE valuations.{table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY requests ON valuations.{table} FOR SELECT TO onboarding_api, analytics_api "
            "USING (owner_id = current_setting('riskstream.owner', true))"
        )
        op.execute(f"CREATE POLICY workers ON valuations.{table} TO portfolio_refresh USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY head ON valuations.valuation_heads FOR SELECT TO valuation_head_reader USING (true)")
    execute_script(op, GRANTS)
    execute_script(op, HEAD)
    execute_script(op, HEAD_GRANTS)
