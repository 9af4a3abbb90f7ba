#!/bin/sh
# Runs once in a new database: a role a service, each owning its own schemas only.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
  -v feedback="$FEEDBACK_PASSWORD" -v evaluation="$EVALUATION_PASSWORD" -v reporting="$REPORTING_PASSWORD" <<'SQL'
CREATE ROLE civiloop_feedback LOGIN PASSWORD :'feedback';
CREATE ROLE civiloop_evaluation LOGIN PASSWORD :'evaluation';
CREATE ROLE civiloop_reporting LOGIN PASSWORD :'reporting';
CREATE SCHEMA feedback AUTHORIZATION civiloop_feedback;
CREATE SCHEMA evaluation AUTHORIZATION civiloop_evaluation;
CREATE SCHEMA reporting_v1 AUTHORIZATION civiloop_evaluation;
GRANT USAGE ON SCHEMA reporting_v1 TO civiloop_reporting;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
