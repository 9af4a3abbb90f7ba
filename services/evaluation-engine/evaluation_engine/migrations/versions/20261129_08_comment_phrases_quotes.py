"""Which answers gave phrases their names, and which were released as quotes: by reference, never the words."""

from alembic import op

revision = "20261129_08"
down_revision = "20261129_07"
branch_labels = None
depends_on = None

# The words lie with the answer alone: an erasure, or an answer that is let go, takes them away here as well.
_TABLES = """
CREATE TABLE evaluation.phrase_name (
    service_id text NOT NULL,
    phrase_id text NOT NULL,
    feedback_key bytea NOT NULL,
    named_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_id, phrase_id)
);

CREATE TABLE evaluation.quote_release (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_id text NOT NULL,
    feedback_key bytea NOT NULL,
    theme text NOT NULL,
    released_by text NOT NULL,
    released_at timestamptz NOT NULL,
    reason text,
    withdrawn_by text,
    withdrawn_at timestamptz,
    withdrawn_because text
);
CREATE UNIQUE INDEX quote_released ON evaluation.quote_release (feedback_key) WHERE withdrawn_at IS NULL;
CREATE INDEX quote_by_answer ON evaluation.quote_release (feedback_key);
CREATE INDEX quote_by_service ON evaluation.quote_release (service_id, id DESC);

CREATE VIEW reporting_v1.released_quote AS
    SELECT q.service_id, s.body_id, q.theme, a.content -> 'record' ->> 'language' AS language,
           a.content ->> 'comment' AS text, q.released_at,
           date_trunc('month', a.occurred_at AT TIME ZONE coalesce(s.definition ->> 'zone', 'UTC'))::date AS month
      FROM evaluation.quote_release q
      JOIN evaluation.answer a ON a.feedback_key = q.feedback_key AND a.state = 'counted'
      JOIN evaluation.service s ON s.id = q.service_id AND s.id = a.service_id
     WHERE q.withdrawn_at IS NULL
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP VIEW reporting_v1.released_quote")
    op.execute("DROP TABLE evaluation.quote_release, evaluation.phrase_name")
