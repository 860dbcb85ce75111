"""How fast each provider may be asked, shared by all who ask it."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
-- One row a provider: its pace, whether it refuses, and whether its breaker is open. Instants are the database's.
CREATE TABLE symbols.provider_limits (
    provider text PRIMARY KEY,
    rate double precision NOT NULL CHECK (rate > 0),   -- requests a second
    next_slot timestamptz NOT NULL,                    -- when the next request may be sent
    refused_rate double precision,                     -- the rate at which it last refused
    refused_at timestamptz,
    paused_until timestamptz,                          -- nobody asks it before
    breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half_open')),
    failures integer NOT NULL DEFAULT 0,               -- refusals and lost answers in a row
    answered bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    last_outcome text,
    updated_at timestamptz NOT NULL
);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON symbols.provider_limits TO symbol_batch;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
