"""Nothing yet: reserved for release ledger."""

revision = "20261129_06"
down_revision = "20261124_05"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
