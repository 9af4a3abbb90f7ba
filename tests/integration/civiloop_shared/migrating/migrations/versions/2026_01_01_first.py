"""Make a table."""

import sqlalchemy as sa
from alembic import op

revision = "2026_01_01_first"
down_revision = None


def upgrade() -> None:
    op.create_table("thing", sa.Column("id", sa.BigInteger, primary_key=True), schema="stuff")
    op.execute("SELECT pg_sleep(0.3)")


def downgrade() -> None:
    op.drop_table("thing", schema="stuff")
