"""Webhooks with their messages and deliveries; problems that monitoring found, and what burn rates remember."""

from alembic import op

revision = "20261124_04"
down_revision = "20261124_03"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE evaluation.webhook (
    id text PRIMARY KEY,
    body_id text NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    services text[],
    secrets jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    disabled_because text
);
CREATE INDEX webhook_body ON evaluation.webhook (body_id);

CREATE TABLE evaluation.webhook_message (
    id text PRIMARY KEY,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_message_age ON evaluation.webhook_message (created_at);

CREATE TABLE evaluation.webhook_delivery (
    webhook_id text NOT NULL REFERENCES evaluation.webhook (id) ON DELETE CASCADE,
    message_id text NOT NULL REFERENCES evaluation.webhook_message (id) ON DELETE CASCADE,
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz DEFAULT now(),
    delivered_at timestamptz,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (webhook_id, message_id)
);
CREATE INDEX webhook_delivery_due ON evaluation.webhook_delivery (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_delivery_message ON evaluation.webhook_delivery (message_id);

CREATE TABLE evaluation.problem (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_id text NOT NULL,
    body_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    opened jsonb NOT NULL,
    latest jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX problem_open ON evaluation.problem (service_id, kind, subject) WHERE closed_at IS NULL;
CREATE INDEX problem_service ON evaluation.problem (service_id, id DESC);

CREATE TABLE evaluation.burn_memory (
    service_id text NOT NULL,
    subject text NOT NULL,
    tick timestamptz NOT NULL,
    memory jsonb NOT NULL,
    PRIMARY KEY (service_id, subject)
);

CREATE VIEW reporting_v1.problem AS
    SELECT p.id, p.service_id, p.body_id, p.kind, p.subject, p.severity, p.opened_at, p.closed_at, p.opened, p.latest
      FROM evaluation.problem p
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP VIEW reporting_v1.problem")
    op.execute("DROP TABLE evaluation.burn_memory, evaluation.problem")
    op.execute("DROP TABLE evaluation.webhook_delivery, evaluation.webhook_message, evaluation.webhook")
