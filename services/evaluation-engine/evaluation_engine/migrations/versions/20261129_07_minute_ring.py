"""The minute ring: what watched targets need, by the minute, for three days.

A table of its own: rows that live for three days leave no holes among those that live for good, and its rows touch no
generation, because every change of a minute changes its quarter hour as well.
"""

from alembic import op

revision = "20261129_07"
down_revision = "20261129_06"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE evaluation.minute (
    topic text NOT NULL,
    service_id text NOT NULL,
    cut text NOT NULL,
    bucket_start timestamptz NOT NULL,
    partition integer NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (topic, service_id, cut, bucket_start, partition)
) WITH (fillfactor = 60);
CREATE INDEX minute_age ON evaluation.minute USING brin (bucket_start)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE evaluation.minute")
