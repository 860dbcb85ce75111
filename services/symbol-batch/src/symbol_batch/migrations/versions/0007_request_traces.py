"""Which trace a request for a symbol goes on with."""

from alembic import op

from riskstream.database.migrations import execute_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
-- Of whoever asked first: as W3C's header of that name. Null where nothing was traced, and from older versions.
ALTER TABLE symbols.symbol_requests ADD COLUMN traceparent text;
"""


def upgrade() -> None:
    execute_script(op, TABLES)
