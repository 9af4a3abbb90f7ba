"""From when on facts are kept, how many were let go; and stopped partitions that a person lets go on."""

from alembic import op

revision = "20261129_10"
down_revision = "20261129_09"
branch_labels = None
depends_on = None

# Facts that were let go stay in the books: by service, day of receipt ('-infinity' where there is none) and state.
_TABLES = (
    """
    CREATE TABLE evaluation.facts_kept (
        service_id text PRIMARY KEY,
        first_seen timestamptz NOT NULL,
        since timestamptz,
        moved_at timestamptz
    )
    """,
    """
    CREATE TABLE evaluation.expired_fact (
        topic text NOT NULL,
        service_id text NOT NULL,
        received_day date NOT NULL,
        state text NOT NULL,
        first_outcome text NOT NULL,
        facts bigint NOT NULL,
        records bigint NOT NULL,
        erasures bigint NOT NULL,
        PRIMARY KEY (topic, service_id, received_day, state, first_outcome)
    ) WITH (fillfactor = 60)
    """,
    """
    CREATE TABLE evaluation.partition_release (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        partition integer NOT NULL,
        stopped text NOT NULL,
        old_topic_id uuid NOT NULL,
        old_next_offset bigint NOT NULL,
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL,
        new_topic_id uuid,
        new_next_offset bigint,
        released_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX partition_release_waiting ON evaluation.partition_release (topic, partition)"
    " WHERE released_at IS NULL",
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("partition_release", "expired_fact", "facts_kept"):
        op.execute(f"DROP TABLE evaluation.{table}")
