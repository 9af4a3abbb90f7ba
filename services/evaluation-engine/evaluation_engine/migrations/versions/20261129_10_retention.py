"""Nothing yet: reserved for retention."""

revision = "20261129_10"
down_revision = "20261129_09"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
