"""What was published of each KPI: a later number that would tell of a few people beside it is not published."""

from alembic import op

revision = "20261129_06"
down_revision = "20261124_05"
branch_labels = None
depends_on = None

# `counts` marks whom a KPI counts: others that count the same people are compared with it.
# Days are local ones of the service. `cells` also has those that were hidden: a later edition is compared with them.
_LEDGER = """
CREATE TABLE evaluation.release_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_id text NOT NULL,
    kpi text NOT NULL,
    dimension text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    number int NOT NULL,
    revision int NOT NULL,
    n bigint NOT NULL,
    cells json NOT NULL,
    results json NOT NULL,
    counts text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (service_id, kpi, period_end, period_start, dimension, number, revision)
)
"""
_BY_PEOPLE = """
CREATE INDEX release_ledger_counts_idx ON evaluation.release_ledger (service_id, counts, period_end, period_start)
"""


def upgrade() -> None:
    op.execute(_LEDGER)
    op.execute(_BY_PEOPLE)


def downgrade() -> None:
    op.execute("DROP TABLE evaluation.release_ledger")
