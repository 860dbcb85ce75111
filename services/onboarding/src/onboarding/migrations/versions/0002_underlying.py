"""Options found by what they are on: when that symbol is renamed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX positions_by_underlying ON portfolios.positions (underlying_symbol) "
        "WHERE underlying_symbol IS NOT NULL"
    )
