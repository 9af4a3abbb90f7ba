"""Batches append what they change; aggregates have one row a cell, to which changes are added later.

Rows of single partitions are summed to one. Months go, and are made again of the days. Going back is refused while
changes wait to be gathered; an earlier version then finds the rows as those of partition 0.
"""

from alembic import op

revision = "20261130_13"
down_revision = "20261129_12"
branch_labels = None
depends_on = None

# Rows that live for a minute: compressing them would take longer than writing them, and so would a table beside.
_CHANGE = """
CREATE TABLE evaluation.change (
    service_id text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    partition integer NOT NULL,
    data json STORAGE EXTERNAL NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (service_id, id)
) WITH (toast_tuple_target = 8160)
"""

_AGGREGATE = """
CREATE TABLE evaluation.aggregate (
    topic text NOT NULL,
    service_id text NOT NULL,
    cut text NOT NULL,
    grain text NOT NULL CHECK (grain IN ('quarter', 'day', 'month')),
    bucket_start timestamptz NOT NULL,
    data json NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (topic, service_id, cut, grain, bucket_start)
) WITH (fillfactor = 60, toast_tuple_target = 8160)
"""

_MINUTE = """
CREATE TABLE evaluation.minute (
    topic text NOT NULL,
    service_id text NOT NULL,
    cut text NOT NULL,
    bucket_start timestamptz NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (topic, service_id, cut, bucket_start)
) WITH (fillfactor = 60)
"""

# Text as the workers write it: sorted by code points, without zeros and spaces.
_TEXT = """
('{' || coalesce(string_agg(to_json(name)::text || ':' || total, ',' ORDER BY name COLLATE "C")
    FILTER (WHERE total <> 0), '') || '}')::json
"""

_SUM_AGGREGATES = f"""
INSERT INTO evaluation.aggregate
SELECT topic, service_id, cut, grain, bucket_start, {_TEXT}, max(changed_at)
FROM (
    SELECT topic, service_id, cut, grain, bucket_start, name, sum(value::numeric) AS total,
        max(changed_at) AS changed_at
    FROM evaluation.aggregate_of_partitions LEFT JOIN LATERAL json_each_text(data) AS member (name, value) ON true
    GROUP BY topic, service_id, cut, grain, bucket_start, name
) AS sums GROUP BY topic, service_id, cut, grain, bucket_start
"""  # noqa: S608 - our words

_SUM_MINUTES = f"""
INSERT INTO evaluation.minute
SELECT topic, service_id, cut, bucket_start, {_TEXT}
FROM (
    SELECT topic, service_id, cut, bucket_start, name, sum(value::numeric) AS total
    FROM evaluation.minute_of_partitions LEFT JOIN LATERAL json_each_text(data) AS member (name, value) ON true
    GROUP BY topic, service_id, cut, bucket_start, name
) AS sums GROUP BY topic, service_id, cut, bucket_start
"""  # noqa: S608

_TOUCH = """
CREATE OR REPLACE FUNCTION evaluation.touch_aggregates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('evaluation.{unless}', true) = 'on' THEN RETURN NULL; END IF;
    INSERT INTO evaluation.aggregate_touch AS t (service_id, topic, partition, generation)
    SELECT service_id, topic, {partition}, 1 FROM changed GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (service_id, topic, partition) DO UPDATE SET generation = t.generation + 1;
    RETURN NULL;
END $$
"""

_TRIGGER = (
    "CREATE TRIGGER touched_by_{event} AFTER {event} ON evaluation.aggregate REFERENCING {rows} TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION evaluation.touch_aggregates()"
)


def upgrade() -> None:
    op.execute(_CHANGE)
    op.execute("DELETE FROM evaluation.aggregate WHERE grain = 'month'")
    for table, made, sums in (("aggregate", _AGGREGATE, _SUM_AGGREGATES), ("minute", _MINUTE, _SUM_MINUTES)):
        op.execute(f"ALTER TABLE evaluation.{table} RENAME CONSTRAINT {table}_pkey TO {table}_of_partitions_pkey")
        op.execute(f"ALTER TABLE evaluation.{table} RENAME TO {table}_of_partitions")
        op.execute(made)
        op.execute(sums)
        op.execute(f"DROP TABLE evaluation.{table}_of_partitions")
    op.execute("CREATE INDEX minute_age ON evaluation.minute USING brin (bucket_start)")
    op.execute(_TOUCH.format(unless="gathering", partition="-1"))
    for event, rows in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        op.execute(_TRIGGER.format(event=event, rows=rows))


def downgrade() -> None:
    op.execute("LOCK TABLE evaluation.change IN ACCESS EXCLUSIVE MODE")
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM evaluation.change) THEN"
        " RAISE 'changes wait to be gathered: let a worker of this version run for two minutes first';"
        " END IF; END $$"
    )
    op.execute("DROP TABLE evaluation.change")
    op.execute("DELETE FROM evaluation.aggregate WHERE grain = 'month'")
    for table, key in (("aggregate", "cut, grain, bucket_start"), ("minute", "cut, bucket_start")):
        op.execute(f"ALTER TABLE evaluation.{table} ADD partition integer NOT NULL DEFAULT 0")
        op.execute(f"ALTER TABLE evaluation.{table} ALTER partition DROP DEFAULT")
        op.execute(f"ALTER TABLE evaluation.{table} DROP CONSTRAINT {table}_pkey")
        op.execute(f"ALTER TABLE evaluation.{table} ADD PRIMARY KEY (topic, service_id, {key}, partition)")
    op.execute(_TOUCH.format(unless="merging", partition="partition"))
