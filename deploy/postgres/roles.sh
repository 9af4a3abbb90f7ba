#!/bin/sh
# Runs once in a new database: a role a service, each owning its own schemas only. The same layout as `civiloop up`.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v database="$POSTGRES_DB" \
  -v feedback="$FEEDBACK_PASSWORD" -v evaluation="$EVALUATION_PASSWORD" -v reporting="$REPORTING_PASSWORD" <<'SQL'
CREATE ROLE civiloop_feedback LOGIN PASSWORD :'feedback';
CREATE ROLE civiloop_evaluation LOGIN PASSWORD :'evaluation';
CREATE ROLE civiloop_reporting LOGIN PASSWORD :'reporting';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO civiloop_feedback, civiloop_evaluation, civiloop_reporting;
GRANT CREATE ON DATABASE :"database" TO civiloop_feedback, civiloop_evaluation;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS feedback AUTHORIZATION civiloop_feedback;
CREATE SCHEMA IF NOT EXISTS evaluation AUTHORIZATION civiloop_evaluation;
CREATE SCHEMA IF NOT EXISTS reporting_v1 AUTHORIZATION civiloop_evaluation;
GRANT USAGE ON SCHEMA reporting_v1 TO civiloop_reporting;
ALTER DEFAULT PRIVILEGES FOR ROLE civiloop_evaluation IN SCHEMA reporting_v1
    GRANT SELECT ON TABLES TO civiloop_reporting;
SQL
