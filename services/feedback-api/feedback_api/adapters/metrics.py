"""What ops see of intake. Labels are services of the catalogue and our own error codes: bounded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from civiloop_shared.kafka.relay import OutboxDepth

_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class IntakeMetrics:
    """Counts what became of submissions, and how the outbox and the catalogue are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, help_text: str, *labels: str) -> Counter:
            return Counter(f"civiloop_feedback_{name}", help_text, labels, registry=registry)

        self._accepted = counter("accepted", "Feedback stored", "service")
        self._duplicate = counter("duplicate", "Feedback that we had already", "service")
        self._rejected = counter("rejected", "Feedback refused", "reason")
        self._erased = counter("erased", "Feedback erased at its giver's wish")
        self._group_size = Histogram(
            "civiloop_feedback_commit_group_size", "Rows committed together", buckets=_SIZES, registry=registry
        )
        self._group_seconds = Histogram(
            "civiloop_feedback_commit_seconds", "Time of one group commit", buckets=_SECONDS, registry=registry
        )
        self._depth = Gauge("civiloop_feedback_outbox_depth", "Events that wait for Kafka", registry=registry)
        age = Gauge("civiloop_feedback_outbox_age_seconds", "Age of the oldest waiting event", registry=registry)
        age.set_function(self._outbox_age)
        self._oldest_at: datetime | None = None
        self._registry = registry

    def watch_catalogue(self, age: Callable[[], float | None]) -> None:
        """Show how old the catalogue may be; NaN while it was never current in this process."""
        gauge = Gauge(
            "civiloop_catalogue_age_seconds",
            "Time since the catalogue was known to be current",
            registry=self._registry,
        )
        gauge.set_function(lambda: _or_nan(age()))

    def accepted(self, service: str) -> None:
        """Count feedback that is new."""
        self._accepted.labels(service).inc()

    def duplicate(self, service: str) -> None:
        """Count feedback that came again."""
        self._duplicate.labels(service).inc()

    def rejected(self, reason: str) -> None:
        """Count feedback that was not taken, by the code of its error."""
        self._rejected.labels(reason).inc()

    def erased(self) -> None:
        """Count an erasure."""
        self._erased.inc()

    def group(self, size: int, seconds: float) -> None:
        """Observe one group commit."""
        self._group_size.observe(size)
        self._group_seconds.observe(seconds)

    def outbox(self, depth: OutboxDepth) -> None:
        """Show what waits for Kafka."""
        self._depth.set(depth.rows)
        self._oldest_at = depth.oldest_at

    def _outbox_age(self) -> float:
        return 0.0 if self._oldest_at is None else (datetime.now(UTC) - self._oldest_at).total_seconds()


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
