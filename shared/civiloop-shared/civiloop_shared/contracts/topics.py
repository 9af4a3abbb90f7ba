"""The topics, how they are keyed, split and kept."""

from __future__ import annotations

from dataclasses import dataclass

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; ``retention_ms`` of -1 keeps for good."""

    name: str
    partitions: int
    retention_ms: int
    compacted: bool = False


FEEDBACK = Topic("feedback.received", 6, 14 * _DAY_MS)
JOURNEYS = Topic("telemetry.journeys", 12, 14 * _DAY_MS)
MEASUREMENTS = Topic("telemetry.measurements", 6, 3 * _DAY_MS)
CATALOGUE = Topic("catalogue", 1, -1, compacted=True)
EVALUATIONS = Topic("evaluations", 6, 366 * _DAY_MS)

INGESTED = (FEEDBACK, JOURNEYS, MEASUREMENTS)
"""Topics that the evaluation engine consumes."""


def dead_letters_of(topic: Topic) -> Topic:
    """Return the dead-letter topic of a topic: as many partitions, kept 14 days."""
    return Topic(f"{topic.name}.dlq", topic.partitions, 14 * _DAY_MS)


ALL = (FEEDBACK, JOURNEYS, MEASUREMENTS, CATALOGUE, EVALUATIONS, *(dead_letters_of(topic) for topic in INGESTED))
