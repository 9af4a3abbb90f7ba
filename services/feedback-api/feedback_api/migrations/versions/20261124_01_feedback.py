"""Feedback, its receipts, its outbox, remembered answers and the catalogue's snapshot.

Revision ID: feedback_20261124_01
Revises: none
"""

from alembic import op

from civiloop_shared.postgres.outbox import outbox_ddl

revision = "feedback_20261124_01"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    # One row an answer set. After an erasure only key, receipt, body, service and the two times are left.
    """
    CREATE TABLE feedback.feedback (
        key bytea PRIMARY KEY,
        receipt bytea NOT NULL UNIQUE,
        body text NOT NULL,
        service text NOT NULL,
        channel text,
        content_hash bigint,
        received_at timestamptz NOT NULL,
        occurred_at timestamptz,
        data jsonb,
        contact bytea,
        quarantined boolean NOT NULL DEFAULT false,
        erased_at timestamptz,
        CONSTRAINT feedback_erased_is_empty CHECK (
            (erased_at IS NULL AND data IS NOT NULL AND content_hash IS NOT NULL AND channel IS NOT NULL
                AND occurred_at IS NOT NULL)
            OR (erased_at IS NOT NULL AND data IS NULL AND contact IS NULL AND content_hash IS NULL
                AND channel IS NULL AND occurred_at IS NULL)
        )
    )
    """,
    outbox_ddl("feedback"),
    # Answers to requests with an Idempotency-Key; ``answer`` is null only inside the transaction that makes it.
    """
    CREATE TABLE feedback.idempotency (
        body text NOT NULL,
        key_id text NOT NULL,
        client_key text NOT NULL,
        request_hash bytea NOT NULL,
        answer bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (body, key_id, client_key)
    )
    """,
    "CREATE INDEX idempotency_created_at ON feedback.idempotency USING brin (created_at)",
    "CREATE INDEX feedback_received_at ON feedback.feedback USING brin (received_at)",
    # The last catalogue that was seen, so that a start does not need Kafka.
    """
    CREATE TABLE feedback.catalogue_snapshot (
        key bytea PRIMARY KEY,
        value bytea NOT NULL,
        saved_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("catalogue_snapshot", "idempotency", "outbox", "feedback"):
        op.execute(f"DROP TABLE feedback.{table}")
