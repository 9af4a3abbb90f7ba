"""What the workers show; labels are bounded: topics, partitions, outcomes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class IngestMetrics:
    """Gauges, counters and histograms of one worker process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        lane = ("topic", "partition")
        self.records = Counter("civiloop_ingest_records", "Records by outcome", ("topic", "outcome"), registry=registry)
        self.batch_seconds = Histogram(
            "civiloop_ingest_batch_seconds", "Time of one batch", ("topic",), buckets=_SECONDS, registry=registry
        )
        self.lag = Gauge("civiloop_consumer_lag", "Records that wait at the broker", lane, registry=registry)
        self.rebalances = Counter("civiloop_ingest_rebalances", "Times that partitions were given", registry=registry)
        self.fenced = Counter(
            "civiloop_ingest_fenced", "Commits refused: the partition had another owner", registry=registry
        )
        self.retries = Counter("civiloop_ingest_retries", "Batches that were begun again", ("code",), registry=registry)
        self.owned = Gauge("civiloop_ingest_partitions_owned", "Partitions that are read here", registry=registry)
        self.stopped = Gauge("civiloop_ingest_partition_stopped", "1: must not be read on", lane, registry=registry)
        self.invalid_run = Gauge(
            "civiloop_ingest_invalid_run", "Longest present run of consecutive dead letters", registry=registry
        )
        self.silenced = Counter("civiloop_ingest_silenced_journeys", "Journeys abandoned by silence", registry=registry)
        self.expired = Counter(
            "civiloop_facts_expired", "Facts let go because their time was over", ("topic",), registry=registry
        )
        self.gathered = Counter(
            "civiloop_changes_gathered", "Changes of batches that were added to aggregates", registry=registry
        )
        self.dead_letters = Gauge(
            "civiloop_dead_letters", "Dead letters that nobody replayed", ("topic",), registry=registry
        )
        self.unrelayed = Gauge("civiloop_dead_letters_unrelayed", "Not on the DLQ topic yet", registry=registry)
        self.imbalance = Gauge(
            "civiloop_ledger_imbalance", "Records without an outcome, or with two", ("topic",), registry=registry
        )

    def count(self, topic: str, outcomes: Mapping[str, int], seconds: float) -> None:
        """Count one committed batch."""
        for outcome, n in outcomes.items():
            self.records.labels(topic, outcome).inc(n)
        self.batch_seconds.labels(topic).observe(seconds)

    def expire(self, topic: str, n: int) -> None:
        """Count facts whose time was over."""
        self.expired.labels(topic).inc(n)

    def forget(self, topic: str, partition: int) -> None:
        """Show nothing more of a partition that is read elsewhere now."""
        for gauge in (self.lag, self.stopped):
            with contextlib.suppress(KeyError):
                gauge.remove(topic, str(partition))
