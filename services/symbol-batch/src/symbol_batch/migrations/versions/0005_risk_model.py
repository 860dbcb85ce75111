"""The risk model of each edition: factor covariance, loadings, residual series."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE symbols.risk_models (
    edition bigint PRIMARY KEY REFERENCES symbols.editions,
    session date NOT NULL,
    factors text[] NOT NULL,
    covariance double precision[] NOT NULL,         -- daily, row by row, in the order of factors
    stress_covariance double precision[] NOT NULL,
    sessions smallint NOT NULL,
    stress_sessions smallint NOT NULL,
    half_life smallint NOT NULL,
    shrinkage double precision NOT NULL,
    run_id uuid NOT NULL
);

CREATE TABLE symbols.risk_loadings (
    edition bigint NOT NULL REFERENCES symbols.editions,
    symbol text NOT NULL,
    betas double precision[],
    specific_variance double precision,
    observations smallint NOT NULL,
    status text NOT NULL,
    reason text,
    carried_from date,
    residuals double precision[],
    PRIMARY KEY (edition, symbol)
);
"""

GRANTS = """
GRANT SELECT, INSERT ON symbols.risk_models TO symbol_batch;
GRANT SELECT, INSERT, UPDATE ON symbols.risk_loadings TO symbol_batch;
GRANT SELECT ON symbols.risk_models, symbols.risk_loadings TO symbols_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
