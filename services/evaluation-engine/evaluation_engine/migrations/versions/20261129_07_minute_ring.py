"""Nothing yet: reserved for minute ring."""

revision = "20261129_07"
down_revision = "20261129_06"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
