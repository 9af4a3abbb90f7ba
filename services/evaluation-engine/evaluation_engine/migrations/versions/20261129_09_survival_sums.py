"""Survival has sums of times. Aggregates are maps, which need no change: a fact is taken out as it was counted."""

revision = "20261129_09"
down_revision = "20261129_08"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to change."""


def downgrade() -> None:
    """Nothing to change."""
