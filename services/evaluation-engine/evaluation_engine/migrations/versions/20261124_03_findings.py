"""Findings and in which evaluations they occurred."""

from alembic import op

revision = "20261124_03"
down_revision = "20261124_02"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE evaluation.finding (
    service_id text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    cause text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_id, id)
);

CREATE TABLE evaluation.finding_occurrence (
    service_id text NOT NULL,
    finding_id text NOT NULL,
    number int NOT NULL,
    place int NOT NULL,
    record json NOT NULL,
    PRIMARY KEY (service_id, finding_id, number),
    FOREIGN KEY (service_id, finding_id) REFERENCES evaluation.finding (service_id, id)
);
CREATE INDEX finding_occurrence_by_number ON evaluation.finding_occurrence (service_id, number)
"""

# The same cause in k of the last 12 evaluations of the service's cycle is one finding. It is past once the newest
# evaluation has it no more.
_VIEW = """
CREATE VIEW reporting_v1.finding AS
WITH recent AS (
    SELECT e.service_id, e.number, e.period_start, e.period_end,
           row_number() OVER (PARTITION BY e.service_id ORDER BY e.period_start DESC) AS back
      FROM evaluation.evaluation e
      JOIN (SELECT DISTINCT ON (service_id) service_id, cycle FROM evaluation.evaluation
             WHERE newest AND cycle <> 'on_demand'
             ORDER BY service_id, period_end DESC, created_at DESC) of_service USING (service_id, cycle)
     WHERE e.newest
), found AS (
    SELECT o.service_id, o.finding_id, o.number, o.place, o.record, r.back,
           row_number() OVER w AS newest,
           count(*) FILTER (WHERE r.back <= 12) OVER (PARTITION BY o.service_id, o.finding_id) AS times,
           min(r.period_start) OVER (PARTITION BY o.service_id, o.finding_id) AS first_start,
           r.period_end AS last_end
      FROM evaluation.finding_occurrence o JOIN recent r ON r.service_id = o.service_id AND r.number = o.number
    WINDOW w AS (PARTITION BY o.service_id, o.finding_id ORDER BY r.back)
)
SELECT f.service_id, s.body_id, f.finding_id AS id, g.kind, g.cause, f.number, f.place,
       CASE WHEN f.back > 1 THEN 'past' WHEN f.times > 1 THEN 'recurring' ELSE 'new' END AS status,
       f.times::int AS times,
       (SELECT least(count(*), 12)::int FROM recent r WHERE r.service_id = f.service_id) AS of_evaluations,
       f.first_start, f.last_end, f.record
  FROM found f
  JOIN evaluation.finding g ON g.service_id = f.service_id AND g.id = f.finding_id
  JOIN evaluation.service s ON s.id = f.service_id
 WHERE f.newest = 1
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    op.execute(_VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW reporting_v1.finding")
    op.execute("DROP TABLE evaluation.finding_occurrence, evaluation.finding")
