"""What the reference pages say that the code can't say about itself."""

from __future__ import annotations

_MADE = "Made from the code by `make schemas`; a test compares the two."

HEADS = {
    "kpis.md": f"""
# KPIs

Every definition that comes with the platform, by pack. A service chooses packs, single KPIs and its
[own](../how-to/define-a-kpi.md); `civiloop kpi list` and `GET /v1/kpis` give the same with the body's own. "From" is
the smallest sample that shows a value, and the smallest that a target or benchmark judges. How results, intervals and
states are made: [evaluation](../explanation/evaluation.md).

{_MADE}
""",
    "commands.md": f"""
# Commands

`make run` is `civiloop up` after the installation. The command finds the platform of the data directory (`--data-dir`,
`CIVILOOP_DATA_DIR`, else `.civiloop` here) with its addresses and its admin key. For a platform that runs elsewhere
give `--url` and `--key`, or the [variables](configuration.md#the-command-civiloop).

With `--json` a command prints JSON on stdout and nothing else there. Progress and errors go to stderr. `NO_COLOR` is
respected. Exit codes: 0 done; 1 not done, or done with something to look at (rejected rows, a part that is not ready, a
ledger that does not balance); 2 the command line is wrong.

{_MADE}
""",
    "configuration.md": f"""
# Configuration

Services read their settings from the environment, once, at the start. `--check` behind any command of a service
validates them, lists all faults at once and exits with 2 when there is one; values are never printed. An empty variable
counts as not set. `civiloop up` and `docker-compose.yml` set what is required.

Lists are written with commas. `CIVILOOP_LIMITS` is JSON, for example
`{{"ingest": {{"per_second": 5000, "burst": 10000}}}}`; the names of the limits are in [http.md](http.md).

{_MADE}
""",
    "events.md": f"""
# Events

Every value on a topic is a [CloudEvents 1.0](https://cloudevents.io) object in JSON, with the header
`content-type: application/cloudevents+json`. Beside the attributes of the standard it carries

| extension | meaning |
| --- | --- |
| `bodyid` | the public body, taken from the API key and never from what was sent |
| `recordedtime` | when the platform received it |
| `traceparent` | W3C trace context, where there is one |

An event is known by (`bodyid`, `source`, `id`): the second one with the same three counts as a repetition, or as a
conflict when its content differs. Events of one feedback share a key and so do events of one journey, whatever their
service or channel; they meet on one partition.

`type` carries the version. A change that adds something keeps it; any other change gets a new type beside the old
one. Read with unknown fields ignored. Records without a value on `catalogue` mean that the thing is gone.

Topics are made by `python -m civiloop_shared.kafka.topics` with `LogAppendTime`. `CIVILOOP_TOPIC_PREFIX` is put before
every name. What can't be counted is put on `<topic>.dlq`, as it came, with the reason in its headers.

{_MADE}
""",
    "http.md": f"""
# HTTP

Give the key as `Authorization: Bearer civ_…` or as `X-API-Key`. Scopes: `feedback:write`, `telemetry:write`, `read`,
`steward` (may also read), `admin` (may do all). A browser key may only write. A key belongs to one body and sees
nothing of another.

Every service describes itself at `/docs` and `/openapi.json`, and answers at `/healthz` (alive), `/readyz` (able to
work, or which dependency is missing) and `/metrics` (Prometheus), all without a key: keep those ports inside. Answers
carry `X-Request-Id` and `Traceparent`. Errors are problem documents (RFC 9457), see [problems.md](problems.md).

Routes of reporting under `/v1` also give CSV, by `Accept: text/csv` or with `.csv` behind the path, and an `ETag`.
A limit counts per key, on routes without a key per address; `CIVILOOP_LIMITS` changes it.

{_MADE}
""",
    "problems.md": f"""
# Problems

An answer that is no success is `application/problem+json` (RFC 9457): `type` (`/problems/<code>`, answered by every
service), `title`, `status`, `code`, `errors` (a list of `field` and `reason`), `trace_id` and sometimes `detail`. It
names fields and reasons and never repeats what was sent. Rely on `code`, which stays. 429 and 503 carry `Retry-After`.

{_MADE}
""",
}

MEANT = {
    "DATABASE_URL": "`postgresql://user:password@host:port/database`, or with `?host=/socket/directory`. The service "
    "refuses to start on a server with `synchronous_commit` off.",
    "KAFKA_BOOTSTRAP_SERVERS": "Comma list of `host:port`.",
    "CIVILOOP_HOST": "Address to listen on.",
    "CIVILOOP_PORT": "Port to listen on.",
    "CIVILOOP_LOG_LEVEL": "`debug`, `info`, `warning` or `error`.",
    "CIVILOOP_LOG_FORMAT": "`json` or `console`.",
    "CIVILOOP_TRUSTED_PROXIES": "Networks whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`.",
    "CIVILOOP_CORS_ORIGINS": "Origins whose pages may call the API from a browser, such as `https://portal.example`.",
    "CIVILOOP_TOPIC_PREFIX": "Put before the names of all topics; the same for all services.",
    "CIVILOOP_REPLICATION_FACTOR": "Of topics that are made; 3 on a cluster of three brokers or more.",
    "CIVILOOP_LIMITS": "Rates that replace the built-in ones, by name.",
    "CIVILOOP_MAX_BODY_BYTES_IN_FLIGHT": "How many bytes of request bodies may be held at once; beyond it: 503.",
    "CIVILOOP_MAX_REQUESTS_IN_FLIGHT": "How many requests may be answered at once; beyond it: 503.",
    "CIVILOOP_DRAIN_SECONDS": "After SIGTERM: how long to be not ready before no connection is accepted any more.",
    "CIVILOOP_STOP_SECONDS": "After that: how long requests under way may take.",
    "CIVILOOP_CONTACT_KEY": "32 bytes in URL-safe base64; contacts are encrypted with it. Lost, they can't be read.",
    "CIVILOOP_RECEIPT_SECRET": "At least 32 characters; receipts are made with it. Don't change it: "
    "feedback that is sent again would be answered with another receipt than the one that is stored.",
    "CIVILOOP_PRODUCE_DEADLINE_SECONDS": "How long Kafka may take with a batch before the answer is 503.",
    "CIVILOOP_MAX_PRODUCE_BYTES_IN_FLIGHT": "How many bytes may wait for Kafka; beyond it: 503.",
    "CIVILOOP_START_WAIT_SECONDS": "How long to wait for Kafka and the catalogue at the start before listening.",
    "CIVILOOP_BODY": "Id of the installation's own body, to which the first admin key belongs.",
    "CIVILOOP_BOOTSTRAP_KEY": "`<id>:<hex SHA-256 of the secret>` of the first admin key; its text is not needed.",
    "CIVILOOP_CONSUMER_GROUP": "Consumer group of the workers.",
    "CIVILOOP_SESSION_MS": "After how long without a heartbeat a worker counts as gone and others take over.",
    "CIVILOOP_POLL_S": "How often the evaluator looks for numbers that changed.",
    "CIVILOOP_SETTLE_S": "How long a closed period must rest after a change before it is evaluated.",
    "CIVILOOP_SETTLE_LONGEST_S": "The longest wait for that rest.",
    "CIVILOOP_REVISION_PAUSE_S": "How long a period rests after its first evaluation; doubled with each revision.",
    "CIVILOOP_BACKFILL_PERIODS": "How many closed periods with data are evaluated at most, the newest first.",
    "CIVILOOP_TAXONOMY": "File with your own themes that comments are read for. Not set: the themes that come along.",
    "CIVILOOP_WEBHOOK_KEY": "32 bytes in URL-safe base64 that seal the secrets of webhooks. Not set: no webhooks.",
    "CIVILOOP_WEBHOOKS_TO_PRIVATE": "Let webhooks go to addresses that are not public, and over http.",
    "CIVILOOP_POOL_SIZE": "Connections to PostgreSQL.",
    "CIVILOOP_ENGINE_URL": "Address of the evaluation-engine, for series and periods that are not stored.",
}

VARIABLES = (
    ("CIVILOOP_DATA_DIR", "`.civiloop`", "Where data, logs and secrets lie."),
    ("CIVILOOP_PORT_BASE", "`8600`", "Ports are counted from here; the data directory remembers it."),
    ("DATABASE_URL", "none", "For `civiloop up`: a PostgreSQL that runs already, instead of the embedded one."),
    ("KAFKA_BOOTSTRAP_SERVERS", "none", "For `civiloop up`: a Kafka that runs already, instead of the embedded one."),
    ("CIVILOOP_KEY", "the first admin key", "API key that commands use."),
    ("CIVILOOP_FEEDBACK_URL", "the platform here", "Address of feedback-api."),
    ("CIVILOOP_COLLECTOR_URL", "the platform here", "Address of metrics-collector."),
    ("CIVILOOP_ENGINE_URL", "the platform here", "Address of evaluation-engine."),
    ("CIVILOOP_REPORTING_URL", "the platform here", "Address of reporting."),
    ("CIVILOOP_MAVEN_URL", "none", "Maven repository that Kafka's jars are fetched from; their sums are checked."),
    ("NO_COLOR", "none", "No colours."),
)
