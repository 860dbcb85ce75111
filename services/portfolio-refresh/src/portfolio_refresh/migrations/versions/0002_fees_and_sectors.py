"""What fees took from a session, and of each position its sector, its cost and what it gained on it."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE valuations.portfolio_snapshots
    ADD COLUMN fees numeric(24, 4) NOT NULL DEFAULT 0 CHECK (fees >= 0);  -- a loss: pnl has them subtracted

-- Null in rows that were folded before these columns were there; the next fold fills them.
ALTER TABLE valuations.position_values
    ADD COLUMN sector text CHECK (sector <> ''),     -- null: the profile is not known
    ADD COLUMN cost_basis numeric(24, 4),            -- signed as the quantity; 0 for a lot that was closed
    ADD COLUMN unrealised_pnl numeric(24, 4),        -- market_value - cost_basis
    ADD CHECK (unrealised_pnl = market_value - cost_basis);
"""

GRANTS = """
GRANT SELECT ON valuations.portfolio_snapshots TO onboarding_api;
"""


def upgrade() -> None:
    execute_script(op, COLUMNS)
    execute_script(op, GRANTS)
