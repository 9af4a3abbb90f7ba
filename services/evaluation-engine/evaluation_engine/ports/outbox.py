"""Messages that leave for Kafka in the transaction that they tell of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One record to come on a topic; ``value`` None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
