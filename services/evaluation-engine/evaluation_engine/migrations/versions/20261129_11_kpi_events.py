"""The samples of a measurement over a period: a correction takes them out again."""

from alembic import op

revision = "20261129_11"
down_revision = "20261129_10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE evaluation.measurement_current ADD COLUMN samples json")


def downgrade() -> None:
    op.execute("ALTER TABLE evaluation.measurement_current DROP COLUMN samples")
