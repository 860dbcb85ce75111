"""What people hold: portfolios, positions, cash flows, and every change with the first session it affects.

Every table that holds an owner's rows has `owner_id` and forced row-level security. A request acts as
`onboarding_api` or `analytics_api` and sees the owner named by the setting `riskstream.owner`; workers have a policy
of their own.
"""

from alembic import op

from riskstream.database.migrations import execute_script
from riskstream.messaging.tables import create_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "portfolios"

TABLES = """
CREATE TABLE portfolios.portfolios (
    portfolio_id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL DEFAULT 'USD' CHECK (currency = 'USD'),
    version bigint NOT NULL CHECK (version >= 1),
    first_session date NOT NULL,
    declared_equity numeric(24, 4),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX portfolios_by_owner ON portfolios.portfolios (owner_id);

-- A position is a lot. Quantity is as of the entry date and signed: short < 0.
CREATE TABLE portfolios.positions (
    position_id uuid PRIMARY KEY,
    portfolio_id uuid NOT NULL REFERENCES portfolios.portfolios,
    owner_id text NOT NULL,
    symbol text NOT NULL,
    quantity numeric(28, 10) NOT NULL CHECK (quantity <> 0),
    multiplier numeric(12, 4) NOT NULL DEFAULT 1 CHECK (multiplier > 0),
    entry_price numeric(24, 8) NOT NULL CHECK (entry_price > 0),
    entry_date date NOT NULL,
    exit_price numeric(24, 8) CHECK (exit_price >= 0),
    exit_date date,
    investment_class text NOT NULL CHECK (investment_class IN ('PUBLIC', 'OPTIONS', 'PRIVATE')),
    investment_subtype text,
    underlying_symbol text,
    strike_price numeric(24, 8),
    expiration_date date,
    option_type text CHECK (option_type IN ('CALL', 'PUT')),
    CHECK ((exit_date IS NULL) = (exit_price IS NULL)),
    CHECK (exit_date >= entry_date)
);
CREATE INDEX positions_by_portfolio ON portfolios.positions (portfolio_id);
CREATE INDEX positions_by_symbol ON portfolios.positions (symbol);

-- Counted at the close of their session: deposits > 0, withdrawals < 0.
CREATE TABLE portfolios.cash_flows (
    flow_id uuid PRIMARY KEY,
    portfolio_id uuid NOT NULL REFERENCES portfolios.portfolios,
    owner_id text NOT NULL,
    flow_date date NOT NULL,
    amount numeric(24, 4) NOT NULL CHECK (amount <> 0)
);
CREATE INDEX cash_flows_by_portfolio ON portfolios.cash_flows (portfolio_id);

-- One row a version: where a fold that has missed versions must start again.
CREATE TABLE portfolios.portfolio_changes (
    portfolio_id uuid NOT NULL REFERENCES portfolios.portfolios,
    version bigint NOT NULL,
    owner_id text NOT NULL,
    first_affected_session date NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, version)
);

-- What was created under which key: sending the same thing again creates nothing new.
CREATE TABLE portfolios.creations (
    owner_id text NOT NULL,
    idempotency_key text NOT NULL,
    request_hash text NOT NULL,
    portfolio_id uuid NOT NULL REFERENCES portfolios.portfolios,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (owner_id, idempotency_key)
);
"""

OWNED = ("portfolios", "positions", "cash_flows", "portfolio_changes", "creations")

GRANTS = """
GRANT USAGE ON SCHEMA portfolios TO onboarding, onboarding_api, portfolio_refresh, analytics_api, valuation_head_reader;
GRANT SELECT, INSERT, UPDATE ON portfolios.portfolios TO onboarding_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON portfolios.positions, portfolios.cash_flows TO onboarding_api;
GRANT SELECT, INSERT ON portfolios.portfolio_changes TO onboarding_api;
GRANT SELECT, INSERT, DELETE ON portfolios.creations TO onboarding_api;
GRANT INSERT ON portfolios.outbox TO onboarding_api;

GRANT SELECT, INSERT, DELETE ON portfolios.outbox TO onboarding;
GRANT SELECT, UPDATE ON portfolios.outbox_lane TO onboarding;
GRANT SELECT, INSERT, DELETE ON portfolios.inbox TO onboarding;
GRANT SELECT ON portfolios.portfolios, portfolios.positions TO onboarding;

GRANT SELECT ON portfolios.portfolios, portfolios.positions, portfolios.cash_flows, portfolios.portfolio_changes
    TO portfolio_refresh;
GRANT SELECT ON portfolios.portfolios, portfolios.positions, portfolios.cash_flows TO analytics_api;
GRANT SELECT (portfolio_id, owner_id, version, deleted_at) ON portfolios.portfolios TO valuation_head_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    create_messaging_tables(op, SCHEMA)
    for table in OWNED:
        op.execute(f"ALTER TABLE portfolios.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE portfolios.{table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY requests ON portfolios.{table} TO onboarding_api, analytics_api "
            "USING (owner_id = current_setting('riskstream.owner', true)) "
            "WITH CHECK (owner_id = current_setting('riskstream.owner', true))"
        )
        op.execute(
            f"CREATE POLICY workers ON portfolios.{table} FOR SELECT "
            "TO onboarding, portfolio_refresh, valuation_head_reader USING (true)"
        )
    execute_script(op, GRANTS)
