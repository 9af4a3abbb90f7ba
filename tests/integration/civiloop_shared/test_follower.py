"""The catalogue reaches the ingest services within moments, and outlives the broker."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

import pytest

from civiloop_shared.catalogue import CatalogueFollower
from civiloop_shared.catalogue.state import Change
from civiloop_shared.contracts.topics import CATALOGUE
from civiloop_shared.errors import UnauthorisedError
from civiloop_shared.kafka.producer import DurableProducer
from tests.integration.civiloop_shared.conftest import Broker
from tests.support.catalogue import key_record, service_record
from tests.support.waiting import insist, until


class MemorySnapshots:
    """A snapshot store of the simplest kind."""

    def __init__(self, records: dict[bytes, bytes] | None = None) -> None:
        self.records = records or {}
        self.offset = 0

    async def load(self) -> list[tuple[bytes, bytes]]:
        return list(self.records.items())

    async def save(self, changes: Sequence[tuple[bytes, bytes | None]], offset: int) -> None:
        for key, value in changes:
            self.records.pop(key, None)
            if value is not None:
                self.records[key] = value
        self.offset = offset


class Publisher:
    """Writes to the catalogue topic of a test."""

    def __init__(self, producer: DurableProducer, prefix: str) -> None:
        self._producer = producer
        self._topic = prefix + CATALOGUE.name

    async def publish(self, key: bytes, value: bytes | None) -> None:
        await self._producer.send(self._topic, key, value, [("content-type", b"application/cloudevents+json")])


@pytest.fixture
def publisher(producer: DurableProducer, prefix: str) -> Publisher:
    return Publisher(producer, prefix)


@pytest.fixture
async def follower(broker: Broker, prefix: str) -> AsyncIterator[CatalogueFollower]:
    follower = CatalogueFollower(broker.bootstrap_servers, topic_prefix=prefix)
    yield follower
    await follower.stop()


def _is_accepted(follower: CatalogueFollower, text: str) -> bool:
    try:
        follower.keys.authenticate(text)
    except UnauthorisedError:
        return False
    return True


@pytest.mark.requirement("B22")
async def test_a_revoked_key_is_refused_within_two_seconds(follower: CatalogueFollower, publisher: Publisher) -> None:
    record, text = key_record()
    await publisher.publish(*record)
    await follower.start(wait_s=10.0)
    assert _is_accepted(follower, text)
    took = []
    for _ in range(5):
        await publisher.publish(record[0], None)
        took.append(await until(lambda: not _is_accepted(follower, text), 2.0))
        await publisher.publish(*record)
        took.append(await until(lambda: _is_accepted(follower, text), 2.0))
    assert sorted(took)[len(took) // 2] < 0.2


async def test_it_is_ready_only_after_it_has_read_to_the_end(follower: CatalogueFollower, publisher: Publisher) -> None:
    for number in range(300):
        await publisher.publish(*service_record(f"service-{number:03}"))
    ready_before = follower.ready
    await follower.start(wait_s=10.0)
    assert (ready_before, follower.ready) == (False, True)
    assert len(follower.services()) == 300
    await until(lambda: (follower.snapshot_age or 99.0) < 1.0, 3.0)


async def test_changes_are_told_and_bad_records_are_skipped(follower: CatalogueFollower, publisher: Publisher) -> None:
    told: list[Change] = []
    follower.on_change(told.extend)
    await publisher.publish(b"service/broken", b"{")
    await publisher.publish(*service_record("permit"))
    await follower.start(wait_s=10.0)
    await publisher.publish(*service_record("permit", version=2))
    await until(lambda: (found := follower.service("permit")) is not None and found.version == 2, 2.0)
    assert [change.id for change in told] == ["permit", "permit"]
    assert follower.skipped == 1


async def test_a_snapshot_makes_it_ready_without_a_broker() -> None:
    record, text = key_record()
    snapshots = MemorySnapshots(dict([record, service_record("permit")]))
    follower = CatalogueFollower("127.0.0.1:1", snapshots=snapshots)
    await follower.start()
    assert follower.ready
    assert follower.service("permit") is not None
    assert _is_accepted(follower, text)
    assert follower.snapshot_age is None
    begun = time.monotonic()
    await follower.stop()
    assert time.monotonic() - begun < 5.0


async def test_without_snapshot_and_broker_it_is_not_ready() -> None:
    follower = CatalogueFollower("127.0.0.1:1", snapshots=MemorySnapshots())
    await follower.start(wait_s=0.5)
    assert not follower.ready
    await follower.stop()


async def test_a_snapshot_is_kept_and_what_ended_meanwhile_is_dropped(
    broker: Broker, prefix: str, publisher: Publisher
) -> None:
    gone, text = key_record()
    snapshots = MemorySnapshots(dict([gone]))
    await publisher.publish(*service_record("permit"))
    follower = CatalogueFollower(broker.bootstrap_servers, topic_prefix=prefix, snapshots=snapshots)
    await follower.start()
    await until(lambda: not _is_accepted(follower, text), 10.0)
    await until(lambda: set(snapshots.records) == {b"service/permit"}, 2.0)
    await follower.stop()


async def test_an_empty_topic_does_not_empty_the_catalogue(broker: Broker, prefix: str) -> None:
    record, text = key_record()
    follower = CatalogueFollower(
        broker.bootstrap_servers, topic_prefix=prefix, snapshots=MemorySnapshots(dict([record]))
    )
    await follower.start(wait_s=10.0)
    await until(lambda: follower.snapshot_age is not None, 10.0)
    assert _is_accepted(follower, text)
    await follower.stop()


@pytest.mark.requirement("B7")
async def test_it_goes_on_while_the_broker_is_dead_and_catches_up_after_its_restart(
    broker: Broker, follower: CatalogueFollower, publisher: Publisher
) -> None:
    record, text = key_record()
    await publisher.publish(*record)
    await follower.start(wait_s=10.0)
    broker.kill()
    await until(lambda: (follower.snapshot_age or 0.0) > 1.5, 10.0)
    assert follower.ready
    assert _is_accepted(follower, text)
    broker.start()
    await insist(lambda: publisher.publish(record[0], None), 30.0)
    await until(lambda: not _is_accepted(follower, text), 15.0)
