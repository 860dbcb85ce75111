"""Suspicious bars apart from good ones, exposures carried over them, and the view through which others read prices."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
-- A bar that the quality gate holds back: as its source gave it. It is not in market_data_cache until it is released;
-- what stands there of the same session is what the held bar would correct.
CREATE TABLE symbols.quarantined_bars (
    symbol text NOT NULL,
    session date NOT NULL,
    open double precision,
    high double precision,
    low double precision,
    close double precision NOT NULL,
    volume bigint,
    currency text NOT NULL DEFAULT 'USD' CHECK (currency = 'USD'),
    source text NOT NULL,
    fetched_at timestamptz NOT NULL,
    actions jsonb NOT NULL DEFAULT '[]',  -- what the source lists as going ex with the bar: held back with it
    rule text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'confirmed', 'accepted', 'rejected')),
    held_at timestamptz NOT NULL,
    held_in date NOT NULL,  -- the session whose run held it: only a later one's answer confirms it
    decided_at timestamptz,
    decided_by text,        -- a second source, the session whose answer repeated it, or an operator
    note text,
    PRIMARY KEY (symbol, session)
);
CREATE INDEX quarantined_bars_pending ON symbols.quarantined_bars (symbol, session) WHERE state = 'pending';

-- A symbol whose bar of the session is held back keeps the exposures of an earlier session; this says of which.
ALTER TABLE symbols.symbol_factor_exposures ADD COLUMN carried_from date;

-- The prices that other services read: as traded, passed by the gate. They have no grant on the table behind it.
CREATE VIEW symbols.traded_bars AS
    SELECT symbol, session, open, high, low, close, volume, currency, source, fetched_at FROM symbols.market_data_cache;
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON symbols.quarantined_bars TO symbol_batch;
GRANT DELETE ON symbols.market_data_cache TO symbol_batch;
GRANT SELECT ON symbols.traded_bars TO symbol_batch, symbols_reader;
REVOKE SELECT ON symbols.market_data_cache FROM symbols_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
