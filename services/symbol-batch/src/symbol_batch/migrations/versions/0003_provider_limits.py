"""How fast each provider may be asked, shared by all who ask it."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
-- One row a provider, for all replicas: its pace, its breaker, and what it said last. Instants are the database's,
-- rates requests a second. symbol_batch.providers.pacing and .breaker say what the columns mean and how they change.
CREATE TABLE symbols.provider_limits (
    provider text PRIMARY KEY,
    rate double precision NOT NULL CHECK (rate > 0),
    next_slot timestamptz NOT NULL DEFAULT to_timestamp(0),     -- when the next request may be sent
    paused_until timestamptz NOT NULL DEFAULT to_timestamp(0),  -- nobody asks it before
    pauses integer NOT NULL DEFAULT 0,
    proven_rate double precision,
    refused_rate double precision,
    refused_tries integer NOT NULL DEFAULT 0,
    raised_by double precision NOT NULL,
    stage_began timestamptz NOT NULL DEFAULT to_timestamp(0),
    stage_answered integer NOT NULL DEFAULT 0,
    breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half_open')),
    failures integer NOT NULL DEFAULT 0,                        -- refusals and lost answers in a row
    opened integer NOT NULL DEFAULT 0,
    probe_at timestamptz NOT NULL DEFAULT to_timestamp(0),      -- when an open breaker lets a request try
    epoch bigint NOT NULL DEFAULT 0,
    answered bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    lost bigint NOT NULL DEFAULT 0,
    refused_at timestamptz,
    last_failure text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON symbols.provider_limits TO symbol_batch;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
