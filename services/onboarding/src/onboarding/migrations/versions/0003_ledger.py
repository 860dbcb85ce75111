"""The ledger of a portfolio: lots and flows that change, what they cost, prices given by hand, and who did what.

Nothing is deleted: what an owner takes away is marked with the version that did so, and every version says what it
changed, from what to what.
"""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LEDGER = """
ALTER TABLE portfolios.positions
    ADD COLUMN entry_fee numeric(24, 4) NOT NULL DEFAULT 0 CHECK (entry_fee >= 0),  -- USD, paid when it was opened
    ADD COLUMN exit_fee numeric(24, 4) NOT NULL DEFAULT 0 CHECK (exit_fee >= 0),    -- USD, paid when it was closed
    ADD COLUMN split_from uuid REFERENCES portfolios.positions,  -- the lot that a partial close took it from
    ADD COLUMN created_version bigint NOT NULL DEFAULT 1,
    ADD COLUMN changed_version bigint NOT NULL DEFAULT 1,        -- of the portfolio; the lot's ETag
    ADD COLUMN deleted_version bigint,                           -- null while it counts
    ADD CHECK (exit_date IS NOT NULL OR exit_fee = 0);

-- Whoever looks for lots looks for those that count.
DROP INDEX portfolios.positions_by_portfolio;
CREATE INDEX positions_by_portfolio ON portfolios.positions (portfolio_id) WHERE deleted_version IS NULL;
DROP INDEX portfolios.positions_by_symbol;
CREATE INDEX positions_by_symbol ON portfolios.positions (symbol) WHERE deleted_version IS NULL;
DROP INDEX portfolios.positions_by_underlying;
CREATE INDEX positions_by_underlying ON portfolios.positions (underlying_symbol)
    WHERE underlying_symbol IS NOT NULL AND deleted_version IS NULL;

-- A deposit or withdrawal is a flow: no gain. A fee is a loss.
ALTER TABLE portfolios.cash_flows
    ADD COLUMN kind text,
    ADD COLUMN note text,
    ADD COLUMN created_version bigint NOT NULL DEFAULT 1,
    ADD COLUMN changed_version bigint NOT NULL DEFAULT 1,
    ADD COLUMN deleted_version bigint;
UPDATE portfolios.cash_flows SET kind = CASE WHEN amount > 0 THEN 'deposit' ELSE 'withdrawal' END;
ALTER TABLE portfolios.cash_flows
    ALTER COLUMN kind SET NOT NULL,
    ADD CHECK (kind IN ('deposit', 'withdrawal', 'fee')),
    ADD CHECK ((kind = 'deposit') = (amount > 0));
DROP INDEX portfolios.cash_flows_by_portfolio;
CREATE INDEX cash_flows_by_portfolio ON portfolios.cash_flows (portfolio_id) WHERE deleted_version IS NULL;

-- What an option or a private holding is worth, per share or unit, as its owner says: from that day until the next.
CREATE TABLE portfolios.manual_prices (
    position_id uuid NOT NULL REFERENCES portfolios.positions,
    price_date date NOT NULL,
    portfolio_id uuid NOT NULL REFERENCES portfolios.portfolios,
    owner_id text NOT NULL,
    price numeric(24, 8) NOT NULL CHECK (price >= 0),
    changed_version bigint NOT NULL,
    PRIMARY KEY (position_id, price_date)
);
CREATE INDEX manual_prices_by_portfolio ON portfolios.manual_prices (portfolio_id);

-- The change log says who did what: `before` and `after` are the resource as it was and is, null where there was none.
ALTER TABLE portfolios.portfolio_changes
    ADD COLUMN actor text,                             -- the token's subject, or the service that did it by itself
    ADD COLUMN action text NOT NULL DEFAULT 'unrecorded',
    ADD COLUMN subject uuid,                           -- the lot or flow, null where it is the portfolio
    ADD COLUMN before jsonb,
    ADD COLUMN after jsonb,
    ADD COLUMN request_id text;

-- A key stands for whatever was done under it, not only for a new portfolio.
ALTER TABLE portfolios.creations
    ADD COLUMN operation text NOT NULL DEFAULT 'portfolio.create',
    ADD COLUMN subject uuid,
    ADD COLUMN version bigint NOT NULL DEFAULT 1;
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON portfolios.manual_prices TO onboarding_api;
GRANT SELECT ON portfolios.manual_prices TO portfolio_refresh, analytics_api;
REVOKE DELETE ON portfolios.positions, portfolios.cash_flows FROM onboarding_api;
"""


def upgrade() -> None:
    execute_script(op, LEDGER)
    op.execute("ALTER TABLE portfolios.manual_prices ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE portfolios.manual_prices FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY requests ON portfolios.manual_prices TO onboarding_api, analytics_api "
        "USING (owner_id = current_setting('riskstream.owner', true)) "
        "WITH CHECK (owner_id = current_setting('riskstream.owner', true))"
    )
    op.execute("CREATE POLICY workers ON portfolios.manual_prices FOR SELECT TO portfolio_refresh USING (true)")
    execute_script(op, GRANTS)
