"""Nothing yet: reserved for comment phrases quotes."""

revision = "20261129_08"
down_revision = "20261129_07"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
