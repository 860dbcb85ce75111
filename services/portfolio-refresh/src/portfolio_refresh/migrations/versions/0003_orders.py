"""Runs that an operator orders, chunks that name their portfolios, and the portfolios that cannot be valued now."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE valuations.refresh_runs
    DROP CONSTRAINT refresh_runs_cause_check,
    ADD CONSTRAINT refresh_runs_cause_check
        CHECK (cause IN ('night', 'revision', 'sweep', 'operator', 'backfill')),
    ADD COLUMN since date,       -- a backfill's first session: folded from there whatever the data asks for
    ADD COLUMN until date,       -- whoever began after it is not in the backfill
    ADD COLUMN order_id uuid;    -- what was ordered; null where nobody ordered it

-- The same order given twice while it is worked on is one run.
CREATE UNIQUE INDEX refresh_runs_orders ON valuations.refresh_runs (order_id) WHERE finished_at IS NULL;
CREATE INDEX refresh_runs_by_start ON valuations.refresh_runs (started_at);

ALTER TABLE valuations.refresh_chunks
    ADD COLUMN named uuid[];     -- exactly these portfolios; null: whoever has something to fold in the range

-- What a run left out stays in refresh_failures, run by run. This is who cannot be valued now, and when to try again.
CREATE TABLE valuations.failing_portfolios (
    portfolio_id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    portfolio_version bigint NOT NULL,
    edition bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    attempts integer NOT NULL,           -- at this version and edition
    failing_since timestamptz NOT NULL,
    last_attempt_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL
);

-- A row counts while the portfolio is at that version and has no valuation of it and the edition.
CREATE VIEW valuations.failing_now WITH (security_invoker = true) AS
SELECT f.*
FROM valuations.failing_portfolios f
JOIN portfolios.portfolios p ON p.portfolio_id = f.portfolio_id
LEFT JOIN valuations.valuation_heads h ON h.portfolio_id = f.portfolio_id
WHERE p.deleted_at IS NULL AND p.version = f.portfolio_version
    AND (h.portfolio_id IS NULL OR h.portfolio_version < f.portfolio_version OR h.edition < f.edition);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON valuations.failing_portfolios TO portfolio_refresh;
GRANT SELECT ON valuations.failing_portfolios TO onboarding_api;
GRANT SELECT ON valuations.failing_now TO portfolio_refresh, onboarding_api;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    op.execute("ALTER TABLE valuations.failing_portfolios ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE valuations.failing_portfolios FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY requests ON valuations.failing_portfolios FOR SELECT TO onboarding_api "
        "USING (owner_id = current_setting('riskstream.owner', true))"
    )
    op.execute(
        "CREATE POLICY workers ON valuations.failing_portfolios TO portfolio_refresh USING (true) WITH CHECK (true)"
    )
    execute_script(op, GRANTS)
