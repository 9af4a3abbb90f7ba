"""Who sent how much on which day, and how far their clocks were ahead."""

from alembic import op

revision = "20261124_05"
down_revision = "20261124_04"
branch_labels = None
depends_on = None

# A source is a name that senders choose: its hash into few slots bounds the rows, whatever they make up.
_TABLE = """
CREATE TABLE evaluation.sender_day (
    topic text NOT NULL,
    partition int NOT NULL,
    service_id text NOT NULL,
    day date NOT NULL,
    slot smallint NOT NULL,
    source text NOT NULL,
    events bigint NOT NULL,
    ahead bigint NOT NULL,
    ahead_ms bigint NOT NULL,
    PRIMARY KEY (service_id, day, topic, slot, partition)
) WITH (fillfactor = 60)
"""


def upgrade() -> None:
    op.execute(_TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE evaluation.sender_day")
