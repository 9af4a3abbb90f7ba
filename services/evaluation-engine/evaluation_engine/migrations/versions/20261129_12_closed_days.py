"""Months are made of closed days whose partitions are merged; a merge changes no number and touches no generation.

Rows of up to eight thousand bytes stay in their page as they are: most merged days do, and are read without unpacking.
Months that were written at ingest go: they are made again from the days, which are kept for good. Earlier versions make
none of merged days: after going back, `civiloop rebuild` does.
"""

from alembic import op

revision = "20261129_12"
down_revision = "20261129_11"
branch_labels = None
depends_on = None

_TOUCH = """
CREATE OR REPLACE FUNCTION evaluation.touch_aggregates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {unless}
    INSERT INTO evaluation.aggregate_touch AS t (service_id, topic, partition, generation)
    SELECT service_id, topic, partition, 1 FROM changed GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (service_id, topic, partition) DO UPDATE SET generation = t.generation + 1;
    RETURN NULL;
END $$
"""
_UNLESS_MERGING = "IF current_setting('evaluation.merging', true) = 'on' THEN RETURN NULL; END IF;"


def upgrade() -> None:
    op.execute(_TOUCH.format(unless=_UNLESS_MERGING))
    op.execute("ALTER TABLE evaluation.aggregate SET (toast_tuple_target = 8160)")
    op.execute("DELETE FROM evaluation.aggregate WHERE grain = 'month'")


def downgrade() -> None:
    op.execute("DELETE FROM evaluation.aggregate WHERE grain = 'month'")
    op.execute("ALTER TABLE evaluation.aggregate RESET (toast_tuple_target)")
    op.execute(_TOUCH.format(unless=""))
