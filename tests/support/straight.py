"""Records put straight on the topics, past the services that usually write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from tests.support.ledger import key_of
from tests.support.traffic import BODY, SOURCE, Piece

_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Straight:
    """One record; the topic without prefix."""

    topic: str
    key: bytes
    value: bytes | None


def record_of(piece: Piece, recorded: datetime | None = None) -> Straight:
    """A piece as the service that takes it in puts it on its topic."""
    data = {name: value for name, value in piece.document.items() if name not in ("id", "source")}
    if piece.of == "journeys":
        key = f"{BODY}/{data['journey_id']}"
        return Straight(
            JOURNEYS.name, key.encode(), envelope(piece.id, f"civiloop.journey.{data['kind']}.v1", data, recorded)
        )
    data["feedback_id"] = key_of(piece)
    value = envelope(piece.id, "civiloop.feedback.received.v1", data, recorded)
    return Straight(FEEDBACK.name, data["feedback_id"].encode(), value)


def envelope(id_: str, type_: str, data: dict[str, Any], recorded: datetime | None = None) -> bytes:
    """A CloudEvent around a payload."""
    at = (recorded or datetime.now(UTC)).isoformat()
    event = {"specversion": "1.0", "id": id_, "source": SOURCE, "type": type_, "bodyid": BODY, "recordedtime": at}
    return json.dumps({**event, "time": at, "data": data}).encode()


async def put_straight(bootstrap_servers: str, prefix: str, records: Iterable[Straight]) -> None:
    """Write records in their order."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", max_request_size=_LARGEST)
    await producer.start()
    try:
        sent = [await producer.send(prefix + one.topic, one.value, key=one.key) for one in records]
        for acknowledged in sent:
            await acknowledged
    finally:
        await producer.stop()
