"""Give it a name."""

import sqlalchemy as sa
from alembic import op

revision = "2026_01_02_second"
down_revision = "2026_01_01_first"


def upgrade() -> None:
    op.add_column("thing", sa.Column("name", sa.Text), schema="stuff")


def downgrade() -> None:
    op.drop_column("thing", "name", schema="stuff")
