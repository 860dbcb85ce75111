"""The risk model of each edition: factor covariances, loadings, residual series."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
-- Daily. Matrices are flat, row by row, in the order of factors. Either a model or the reason why there is none.
CREATE TABLE symbols.risk_models (
    edition bigint PRIMARY KEY REFERENCES symbols.editions,
    session date NOT NULL,
    factors text[] NOT NULL,
    covariance double precision[],              -- for forecasts: exponentially weighted
    sessions smallint,
    half_life smallint NOT NULL,
    shrinkage double precision,
    stress_covariance double precision[],       -- for propagated shocks: equally weighted over years
    stress_sessions smallint,
    stress_shrinkage double precision,
    typical_variances jsonb NOT NULL,           -- sector to the median specific variance; '' is the whole market
    reason text,
    residuals_kept boolean NOT NULL DEFAULT true,
    run_id uuid NOT NULL,
    CHECK ((reason IS NULL) = (covariance IS NOT NULL AND stress_covariance IS NOT NULL)),
    CHECK (cardinality(covariance) = cardinality(factors) * cardinality(factors)),
    CHECK (cardinality(stress_covariance) = cardinality(factors) * cardinality(factors))
);

CREATE TABLE symbols.risk_loadings (
    edition bigint NOT NULL REFERENCES symbols.editions,
    symbol text NOT NULL,
    betas double precision[] NOT NULL,          -- in the order of risk_models.factors
    specific_variance double precision,         -- daily
    observations smallint NOT NULL,
    status text NOT NULL CHECK (status IN ('estimated', 'assumed')),
    reason text,                                -- why assumed
    carried_from date,                          -- the session estimated on, where its bar of this one is held back
    residuals bytea,                            -- 252 little-endian doubles, the last of this session; NaN is none
    PRIMARY KEY (edition, symbol),
    CHECK ((status = 'assumed') = (reason IS NOT NULL)),
    CHECK (octet_length(residuals) = 252 * 8)
);
-- Out of line and as it is: noise cannot be compressed, and most readings of loadings leave it aside.
ALTER TABLE symbols.risk_loadings ALTER COLUMN residuals SET STORAGE EXTERNAL;
"""

GRANTS = """
GRANT SELECT, INSERT ON symbols.risk_models, symbols.risk_loadings TO symbol_batch;
GRANT UPDATE (residuals_kept) ON symbols.risk_models TO symbol_batch;
GRANT UPDATE (residuals) ON symbols.risk_loadings TO symbol_batch;
GRANT SELECT ON symbols.risk_models, symbols.risk_loadings TO symbols_reader;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
    execute_script(op, GRANTS)
