"""Catalogue, keys, outbox, evaluations, live status, and the views that reporting reads."""

from alembic import op

from civiloop_shared.postgres.outbox import outbox_ddl

revision = "20261124_02"
down_revision = "20261124_01"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE evaluation.service ADD COLUMN retired_at timestamptz;

CREATE TABLE evaluation.catalogue_version (
    body_id text NOT NULL,
    version int NOT NULL,
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    changes jsonb NOT NULL,
    documents jsonb NOT NULL,
    PRIMARY KEY (body_id, version)
);

CREATE TABLE evaluation.catalogue_document (
    body_id text NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    definition jsonb NOT NULL,
    changed_in int NOT NULL,
    PRIMARY KEY (body_id, kind, id)
);

CREATE TABLE evaluation.api_key (
    id text PRIMARY KEY,
    body_id text NOT NULL,
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX api_key_body ON evaluation.api_key (body_id, created_at DESC);

CREATE TABLE evaluation.evaluation (
    service_id text NOT NULL,
    number int NOT NULL,
    revision int NOT NULL,
    cycle text NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    newest boolean NOT NULL,
    closed boolean NOT NULL,
    as_of timestamptz NOT NULL,
    digest text NOT NULL,
    memory_before json NOT NULL,
    memory_after json NOT NULL,
    record json NOT NULL,
    checked_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_id, number, revision),
    UNIQUE (service_id, cycle, period_start, period_end, revision)
);
CREATE UNIQUE INDEX evaluation_newest ON evaluation.evaluation (service_id, cycle, period_start DESC, period_end)
    WHERE newest;

CREATE TABLE evaluation.live_status (
    service_id text PRIMARY KEY,
    record json NOT NULL,
    computed_at timestamptz NOT NULL
);

CREATE TABLE evaluation.aggregate_touch (
    service_id text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    generation bigint NOT NULL,
    PRIMARY KEY (service_id, topic, partition)
) WITH (fillfactor = 50)
"""

# The evaluator looks for changes several times a second. An index on the time of change would make every update of an
# aggregate dearer (no HOT updates), so each statement counts up one row per service and partition instead.
_TOUCH = """
CREATE FUNCTION evaluation.touch_aggregates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO evaluation.aggregate_touch AS t (service_id, topic, partition, generation)
    SELECT service_id, topic, partition, 1 FROM changed GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (service_id, topic, partition) DO UPDATE SET generation = t.generation + 1;
    RETURN NULL;
END $$
"""

_TRIGGERS = (
    "CREATE TRIGGER touched_by_insert AFTER INSERT ON evaluation.aggregate REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION evaluation.touch_aggregates()",
    "CREATE TRIGGER touched_by_update AFTER UPDATE ON evaluation.aggregate REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION evaluation.touch_aggregates()",
    "CREATE TRIGGER touched_by_delete AFTER DELETE ON evaluation.aggregate REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION evaluation.touch_aggregates()",
)

_SCHEMA = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'reporting_v1') THEN
        CREATE SCHEMA reporting_v1;
    END IF;
END $$
"""

_VIEWS = """
CREATE VIEW reporting_v1.service AS
    SELECT s.id, s.body_id, s.version, d.definition -> 'title' AS title, s.definition,
           d.definition AS document, s.retired_at IS NOT NULL AS retired, s.retired_at, s.changed_at,
           (SELECT coalesce(jsonb_agg(g.definition ORDER BY g.id), '[]') FROM evaluation.catalogue_document g
             WHERE g.body_id = s.body_id AND g.kind = 'goal' AND g.definition ->> 'service' = s.id) AS goals,
           (SELECT b.definition -> 'title' FROM evaluation.catalogue_document b
             WHERE b.body_id = s.body_id AND b.kind = 'body' AND b.id = s.body_id) AS body_title
      FROM evaluation.service s
      LEFT JOIN evaluation.catalogue_document d ON d.body_id = s.body_id AND d.kind = 'service' AND d.id = s.id;

CREATE VIEW reporting_v1.live_status AS
    SELECT l.service_id, s.body_id, l.record, l.computed_at
      FROM evaluation.live_status l JOIN evaluation.service s ON s.id = l.service_id;

CREATE VIEW reporting_v1.evaluation AS
    SELECT e.service_id, s.body_id, e.number, e.revision, e.cycle, e.period_start, e.period_end, e.newest,
           e.closed, e.as_of, e.digest, e.record, e.created_at
      FROM evaluation.evaluation e JOIN evaluation.service s ON s.id = e.service_id
"""

_GRANTS = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'civiloop_reporting') THEN
        GRANT USAGE ON SCHEMA reporting_v1 TO civiloop_reporting;
        GRANT SELECT ON ALL TABLES IN SCHEMA reporting_v1 TO civiloop_reporting;
        ALTER DEFAULT PRIVILEGES IN SCHEMA reporting_v1 GRANT SELECT ON TABLES TO civiloop_reporting;
    END IF;
END $$
"""


def upgrade() -> None:
    for statement in (*_TABLES.split(";\n"), outbox_ddl("evaluation"), _TOUCH, *_TRIGGERS):
        op.execute(statement)
    for statement in (_SCHEMA, *_VIEWS.split(";\n"), _GRANTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP VIEW reporting_v1.service, reporting_v1.live_status, reporting_v1.evaluation")
    op.execute("DROP FUNCTION evaluation.touch_aggregates CASCADE")
    op.execute("DROP TABLE evaluation.aggregate_touch, evaluation.live_status, evaluation.evaluation")
    op.execute("DROP TABLE evaluation.outbox, evaluation.api_key")
    op.execute("DROP TABLE evaluation.catalogue_document, evaluation.catalogue_version")
    op.execute("ALTER TABLE evaluation.service DROP COLUMN retired_at")
