"""Renamed symbols, and what a run was made with."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
-- An old name and the one that its history goes on under. Chains are flattened: renamed_to is never itself renamed.
CREATE TABLE symbols.symbol_renames (
    symbol text PRIMARY KEY,
    renamed_to text NOT NULL,
    effective date NOT NULL,
    recorded_at timestamptz NOT NULL,
    CHECK (symbol <> renamed_to)
);

ALTER TABLE symbols.batch_runs
    ADD COLUMN code_version text,
    ADD COLUMN providers jsonb NOT NULL DEFAULT '{}';  -- provider to the number of symbols it priced
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON symbols.symbol_renames TO symbol_batch;
GRANT SELECT ON symbols.symbol_renames TO symbols_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
