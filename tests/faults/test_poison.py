"""Poison put straight on the topics: each record gets its reason on the DLQ, and everything else is counted."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS, MEASUREMENTS
from tests.support.counted import Counted
from tests.support.driver import pack
from tests.support.ledger import ClientLedger, key_of
from tests.support.straight import Straight, put_straight, record_of
from tests.support.traffic import BODY, SOURCE, Piece, Traffic

from .conftest import Ground, until

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Poison:
    """A record and the reason under which it must be set aside."""

    topic: str
    reason: str
    value: bytes | None
    key: bytes = b"local/poison"

    @property
    def record(self) -> Straight:
        return Straight(self.topic, self.key, self.value)


def event(traffic: Traffic, number: str, **changes: Any) -> bytes:
    """A journey event as the collector writes it, with changes to the envelope or, under `data`, to the payload."""
    at = traffic.now.isoformat()
    data = {
        "service": traffic.service_ids[0],
        "journey_id": "poison",
        "kind": "started",
        "occurred_at": at,
        "channel": "web",
        **changes.pop("data", {}),
    }
    envelope = {
        "specversion": "1.0",
        "id": f"{traffic.run}-{number}",
        "source": SOURCE,
        "type": "civiloop.journey.started.v1",
        "time": at,
        "bodyid": BODY,
        "recordedtime": at,
        **changes,
        "data": data,
    }
    return json.dumps({name: value for name, value in envelope.items() if value is not None}).encode()


def poisons(traffic: Traffic, known: Piece) -> list[Poison]:
    """Everything that can be wrong with a record."""
    on = JOURNEYS.name
    good = event(traffic, "nan")
    answer = {"type": "civiloop.feedback.received.v1", "data": {"feedback_id": "0" * 32, "rating": 9}}
    return [
        Poison(on, "no_value", None),
        Poison(on, "not_json", b"\x00\xff this is no JSON"),
        Poison(on, "not_json", b""),
        Poison(on, "not_json", good.replace(b'"web"', b"NaN")),
        Poison(on, "not_json", good.replace(b'"web"', b'"\\ud800"')),
        Poison(on, "not_json", b"[" * 100_000),
        Poison(on, "not_cloudevent", b'"a text"'),
        Poison(on, "not_cloudevent", b'{"rating": 4}'),
        Poison(on, "bad_attribute", event(traffic, "1", bodyid=None)),
        Poison(on, "bad_attribute", event(traffic, "2", recordedtime="yesterday")),
        Poison(on, "bad_attribute", event(traffic, "3", id=7)),
        Poison(on, "bad_data", json.dumps({**json.loads(good), "data": [1]}).encode()),
        Poison(on, "nul", event(traffic, "4", data={"step": "a\0b"})),
        Poison(on, "bad_payload", event(traffic, "5", data={"kind": "flying"})),
        Poison(on, "bad_payload", event(traffic, "6", data={"occurred_at": "NaN"})),
        Poison(on, "bad_payload", event(traffic, "7", data={"occurred_at": "9999-12-31T23:59:59Z"})),
        Poison(on, "bad_payload", event(traffic, "8", data={"journey_id": "x" * 700_000})),
        Poison(on, "bad_payload", event(traffic, "9", data={"step": "x" * (MEBIBYTE - 2_000)})),
        Poison(on, "unknown_type", event(traffic, "10", type="civiloop.journey.flying.v1")),
        Poison(on, "unknown_type", event(traffic, "11", data={"kind": "completed"})),
        Poison(on, "unknown_service", event(traffic, "12", bodyid="other-body"), b"other-body/poison"),
        Poison(on, "wrong_key", event(traffic, "13"), b"local/another-journey"),
        Poison(on, "wrong_key", event(traffic, "18"), bytes(range(256)) + random.Random(1).randbytes(9_000)),
        Poison(on, "not_json", b"{", random.Random(2).randbytes(700_000)),
        Poison(on, "id_reused", event(traffic, "x", id=known.id)),
        Poison(on, "impossible_time", event(traffic, "14", data={"occurred_at": "2999-01-01T00:00:00Z"})),
        Poison(FEEDBACK.name, "bad_payload", event(traffic, "15", **answer), b"0" * 32),
        Poison(FEEDBACK.name, "unknown_type", event(traffic, "16")),
        Poison(MEASUREMENTS.name, "bad_payload", event(traffic, "17", type="civiloop.measurement.recorded.v1")),
        Poison(MEASUREMENTS.name, "not_json", b"{"),
    ]


@pytest.mark.requirement("B14", "A7")
async def test_poison_goes_to_the_dlq_with_its_reason_and_the_rest_is_counted(ground: Ground) -> None:
    traffic = await ground.traffic()
    counted = ground.counted(traffic)
    pieces = traffic.pieces(300, 700)
    known = next(piece for piece in pieces if piece.of == "journeys")
    driver = ground.driver(pack(pieces, ground.random, hasty=0.0), impatient=0.0)
    before = await newest_letter(counted)
    parts = poisons(traffic, known)
    wanted = Counter((one.topic, one.reason) for one in parts)
    async with asyncio.TaskGroup() as group:
        group.create_task(driver.run())
        group.create_task(put(ground, [one.record for one in parts if one.reason != "id_reused"]))
    assert key_of(known) in await counted.wait_for([key_of(known)], 30)
    await put(ground, [one.record for one in parts if one.reason == "id_reused"])

    assert await set_aside(counted, before, len(parts)) == wanted
    await counted.demand_exactly_once(driver.ledger)
    await counted.demand_balance()
    assert await on_dlq(ground, before, len(parts)) == wanted

    code, page = await counted.command("dlq", "list", "--topic", JOURNEYS.name, "--json")
    listed = Counter((one["topic"], one["reason"]) for one in page["items"] if one["id"] > before)
    # A letter that names another body is none of this body's business.
    assert code == 0
    assert listed == Counter({key: n for key, n in wanted.items() if key[0] == JOURNEYS.name}) - Counter(
        {(JOURNEYS.name, "unknown_service"): 1}
    )


@pytest.mark.requirement("B14")
async def test_a_dead_letter_is_replayed_once_its_cause_is_mended(ground: Ground) -> None:
    """The collector knows services by the catalogue; what came for one that the engine had lost is not lost."""
    traffic = await ground.traffic()
    counted = ground.counted(traffic)
    late = Traffic(ground.seed + 1, services=1)
    events = [piece for _ in range(20) for piece in late.journey()]
    before = await newest_letter(counted)
    await put(ground, [record_of(piece) for piece in events])
    reasons = await set_aside(counted, before, len(events))
    assert reasons == {(JOURNEYS.name, "unknown_service"): len(events)}

    async with ground.client(ground.platform.addresses.engine_url) as engine:
        files = [{"path": "late.yaml", "text": late.catalogue()}]
        answer = await engine.post("/v1/catalogue/apply", json={"files": files, "keep_missing": True})
        assert answer.status_code == 200, answer.text
    ids = [str(row[0]) for row in await counted.query("SELECT id FROM evaluation.dead_letter WHERE id > $1", before)]
    for _ in range(2):
        assert await counted.command("dlq", "replay", *ids, "--json") == (0, {"replayed": len(events)})

    ledger = ClientLedger()
    ledger.note_sent(events)
    ledger.note_acknowledged(events)
    await ground.counted(late).demand_exactly_once(ledger)
    await counted.demand_balance()


async def put(ground: Ground, records: list[Straight]) -> None:
    await put_straight(ground.infra.bootstrap_servers, ground.platform.prefix, records)


async def newest_letter(counted: Counted) -> int:
    return int((await counted.query("SELECT coalesce(max(id), 0) FROM evaluation.dead_letter"))[0][0])


async def set_aside(counted: Counted, after: int, number: int) -> Counter[tuple[str, str]]:
    """Topics and reasons of the letters after one, once there are so many."""
    found: Counter[tuple[str, str]] = Counter()

    async def all_there() -> bool:
        rows = await counted.query("SELECT topic, reason FROM evaluation.dead_letter WHERE id > $1", after)
        found.clear()
        found.update((row[0], row[1]) for row in rows)
        return found.total() >= number

    await until(all_there, 30)
    return found


async def on_dlq(ground: Ground, after: int, number: int) -> Counter[tuple[str, str]]:
    """Topics and reasons on the DLQ topics, of letters after one; each letter is taken once."""
    prefix, found = ground.platform.prefix, dict[int, tuple[str, str]]()
    topics = [f"{prefix}{topic.name}.dlq" for topic in (FEEDBACK, JOURNEYS, MEASUREMENTS)]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=ground.infra.bootstrap_servers, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while len(found) < number:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        headers = dict(record.headers)
                        letter = int(headers["civiloop-dead-letter"])
                        if letter > after:
                            told = (headers["civiloop-topic"].decode(), headers["civiloop-reason"].decode())
                            assert record.topic == f"{prefix}{told[0]}.dlq"
                            found[letter] = told
    finally:
        await consumer.stop()
    return Counter(found.values())
