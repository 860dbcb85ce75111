"""What is known of the companies: profiles, statements, earnings dates; and the metrics that need them."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE symbols.company_profiles (
    symbol text PRIMARY KEY,
    name text,
    kind text NOT NULL,                  -- EQUITY, ETF, ... as the provider calls it
    sector text,                         -- GICS name, or ETF
    industry text,
    country text,
    currency text,
    shares_outstanding double precision, -- all classes together, in shares of this listing on the day it was fetched
    trailing_eps double precision,       -- per share of the day it was fetched
    next_earnings date,
    last_earnings date,                  -- the next_earnings before it, once it had passed
    source text NOT NULL,
    fetched_at timestamptz NOT NULL,
    fetched_on date NOT NULL             -- New York date: splits after it change shares and earnings per share
);

-- Every period stays. A restated figure is written over the one before, with the time it was first given.
CREATE TABLE symbols.fundamentals (
    symbol text NOT NULL,
    statement text NOT NULL CHECK (statement IN ('income', 'balance_sheet', 'cash_flow')),
    frequency text NOT NULL CHECK (frequency IN ('quarterly', 'annual')),
    period_end date NOT NULL,
    item text NOT NULL,
    amount numeric(30, 2),
    ratio double precision,              -- per-share figures and rates, which are no amounts
    currency text,
    source text NOT NULL,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (symbol, statement, frequency, period_end, item),
    CHECK ((amount IS NULL) <> (ratio IS NULL))
);

-- When each symbol was last asked for and what came of it; what is due follows from it and the earnings dates.
CREATE TABLE symbols.company_fetches (
    symbol text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('profile', 'fundamentals')),
    outcome text NOT NULL,
    detail text,                         -- why there is nothing, or what was left out
    source text NOT NULL,
    asked_at timestamptz NOT NULL,
    asked_in date,                       -- the session whose night asked: no night asks twice
    answered_on date,                    -- New York date of the last answer that was no refusal
    PRIMARY KEY (symbol, kind)
);

ALTER TABLE symbols.symbol_daily_metrics
    ADD COLUMN market_cap numeric(30, 2),
    ADD COLUMN price_earnings double precision,
    ADD COLUMN sector text;
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON symbols.company_profiles, symbols.fundamentals, symbols.company_fetches
    TO symbol_batch;
GRANT SELECT ON symbols.company_profiles, symbols.fundamentals TO symbols_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
