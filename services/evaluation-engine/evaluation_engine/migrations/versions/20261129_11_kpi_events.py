"""Nothing yet: reserved for kpi events."""

revision = "20261129_11"
down_revision = "20261129_10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
