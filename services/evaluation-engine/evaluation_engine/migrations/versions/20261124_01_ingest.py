"""Ingest: positions, seen ids, facts, aggregates, ledger, dead letters; and the services they are counted by.

Revision ID: 20261124_01
Revises: none
"""

from alembic import op

revision = "20261124_01"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE evaluation.service (
    id text PRIMARY KEY,
    body_id text NOT NULL,
    version integer NOT NULL,
    definition json NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE evaluation.sink_position (
    topic text NOT NULL,
    partition integer NOT NULL,
    topic_id uuid NOT NULL,
    epoch bigint NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    careful_until bigint NOT NULL DEFAULT 0,
    stopped text,
    last_record_at timestamptz,
    caught_up_at timestamptz,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE evaluation.seen_event (
    event_key bytea NOT NULL,
    payload_hash bigint NOT NULL,
    first_seen date NOT NULL,
    PRIMARY KEY (event_key, first_seen)
) PARTITION BY RANGE (first_seen);

CREATE TABLE evaluation.fact_context (
    id bigint PRIMARY KEY,
    context json NOT NULL
);

CREATE TABLE evaluation.journey (
    journey_key bytea PRIMARY KEY,
    partition integer NOT NULL,
    body_id text NOT NULL,
    journey_id text NOT NULL,
    service_id text,
    context_id bigint,
    started_at timestamptz,
    last_at timestamptz NOT NULL,
    observed_until timestamptz,
    silence_due_at timestamptz,
    silenced boolean NOT NULL,
    event_count integer NOT NULL,
    events json NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX journey_by_service ON evaluation.journey (service_id, started_at);
CREATE INDEX journey_by_silence ON evaluation.journey (partition, silence_due_at) WHERE silence_due_at IS NOT NULL;

CREATE TABLE evaluation.answer (
    feedback_key bytea PRIMARY KEY,
    partition integer NOT NULL,
    body_id text NOT NULL,
    service_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('counted', 'quarantined', 'erased')),
    first_outcome text CHECK (first_outcome IN ('counted', 'quarantined', 'erased')),
    erasures integer NOT NULL DEFAULT 0,
    received_day date,
    nameless boolean NOT NULL DEFAULT false,
    payload_hash bigint,
    context_id bigint,
    occurred_at timestamptz,
    content json,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX answer_by_service ON evaluation.answer (service_id, occurred_at);
CREATE INDEX answer_by_day ON evaluation.answer (received_day, service_id, state);

CREATE TABLE evaluation.measurement_current (
    measurement_key bytea PRIMARY KEY,
    partition integer NOT NULL,
    body_id text NOT NULL,
    service_id text NOT NULL,
    name text NOT NULL,
    channel text,
    period_from timestamptz NOT NULL,
    period_to timestamptz NOT NULL,
    kind text NOT NULL,
    unit text NOT NULL,
    milli numeric NOT NULL,
    recorded_at timestamptz NOT NULL,
    event_key bytea NOT NULL,
    context_id bigint NOT NULL,
    days integer NOT NULL,
    records integer NOT NULL
);

CREATE TABLE evaluation.aggregate (
    topic text NOT NULL,
    service_id text NOT NULL,
    cut text NOT NULL,
    grain text NOT NULL CHECK (grain IN ('quarter', 'day', 'month')),
    bucket_start timestamptz NOT NULL,
    partition integer NOT NULL,
    data json NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (topic, service_id, cut, grain, bucket_start, partition)
) WITH (fillfactor = 60);

CREATE TABLE evaluation.ledger (
    topic text NOT NULL,
    partition integer NOT NULL,
    outcome text NOT NULL CHECK (
        outcome IN ('counted', 'duplicate', 'quarantined', 'dead_lettered', 'erased', 'data_fault')
    ),
    n bigint NOT NULL,
    PRIMARY KEY (topic, partition, outcome)
) WITH (fillfactor = 50);

CREATE TABLE evaluation.dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('dead_lettered', 'data_fault')),
    reason text NOT NULL,
    detail text NOT NULL,
    body_id text,
    service_id text,
    received_day date,
    key bytea,
    value bytea,
    headers json NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    relayed_at timestamptz,
    replayed_at timestamptz,
    erased_at timestamptz
);
CREATE INDEX dead_letter_to_relay ON evaluation.dead_letter (id) WHERE relayed_at IS NULL;
CREATE INDEX dead_letter_by_key ON evaluation.dead_letter USING hash (key) WHERE erased_at IS NULL;
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS evaluation")
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    for table in (
        "dead_letter",
        "ledger",
        "aggregate",
        "measurement_current",
        "answer",
        "journey",
        "fact_context",
        "seen_event",
        "sink_position",
        "service",
    ):
        op.execute(f"DROP TABLE evaluation.{table}")
