"""Nothing yet: reserved for survival sums."""

revision = "20261129_09"
down_revision = "20261129_08"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
