"""What this service tells Prometheus, beyond what the edge tells of every service."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from metrics_collector.domain.receipt import BatchReceipt

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class StreamMetrics:
    """Of one kind of events. ``unknown``: Kafka may have them or not."""

    accepted: Counter
    rejected: Counter
    unknown: Counter
    seconds: Histogram

    def count(self, receipt: BatchReceipt) -> None:
        """Count what became of a batch; a dry run counts only what it refuses."""
        self.rejected.inc(len(receipt.rejected))
        if receipt.written:
            self.accepted.inc(receipt.accepted)


@dataclass(frozen=True, slots=True)
class CollectorMetrics:
    """All metrics of the service; labels are from the code."""

    journeys: StreamMetrics
    measurements: StreamMetrics
    bytes_in_flight: Gauge
    generation: Gauge
    snapshot_age: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> CollectorMetrics:
        """Make them on a registry."""
        events = Counter("civiloop_ingest_events", "Events by outcome", ("kind", "outcome"), registry=registry)
        seconds = Histogram(
            "civiloop_produce_seconds", "Time until Kafka has a batch", ("kind",), buckets=_SECONDS, registry=registry
        )

        def of(kind: str) -> StreamMetrics:
            accepted, rejected, unknown = (events.labels(kind, name) for name in ("accepted", "rejected", "unknown"))
            return StreamMetrics(accepted, rejected, unknown, seconds.labels(kind))

        return cls(
            of("journeys"),
            of("measurements"),
            Gauge("civiloop_produce_bytes_in_flight", "Bytes that Kafka has not acknowledged", registry=registry),
            Gauge("civiloop_produce_generation", "Kafka producers made since the start", registry=registry),
            Gauge(
                "civiloop_catalogue_age_seconds",
                "Since when the catalogue may be out of date",
                registry=registry,
            ),
        )
