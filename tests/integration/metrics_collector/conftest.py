"""A metrics-collector of its own on the session's real Kafka, with a catalogue as the engine publishes it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from civiloop_cli.runtime.child import ChildSpec
from civiloop_cli.runtime.ports import LOOPBACK, Ports
from civiloop_cli.runtime.probe import service_gap
from civiloop_shared.contracts.envelope import Envelope, decode
from civiloop_shared.contracts.topics import JOURNEYS, MEASUREMENTS
from civiloop_shared.kafka.closing import close_consumer
from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.kafka.topics import ensure_topics
from tests.support.catalogue import key_record, service_record
from tests.support.platform import Database, Infra, temporary_data_dir
from tests.support.processes import Processes, run_sync

NAME = "metrics-collector"
PARTITIONS = {topic.name: topic.partitions for topic in (JOURNEYS, MEASUREMENTS)}


class Collector:
    """The running service, its keys, and a look into its topics."""

    def __init__(self, infra: Infra, processes: Processes, prefix: str, keys: dict[str, str]) -> None:
        self.infra = infra
        self.processes = processes
        self.prefix = prefix
        self.keys = keys
        self.client = httpx.Client(trust_env=False, timeout=10)

    def post(self, path: str = "/v1/journeys", *, key: str = "city", **request: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[key]}", **request.pop("headers", {})}
        return self.client.post(path, headers=headers, **request)

    def post_events(self, *events: Any, query: str = "", **envelope: Any) -> httpx.Response:
        return self.post(f"/v1/journeys{query}", json={"events": list(events), **envelope})

    def written(self, topic: str = "telemetry.journeys") -> list[Envelope]:
        """All that is on a topic."""
        return run_sync(partial(self._read, self.prefix + topic))

    def ids(self, topic: str = "telemetry.journeys") -> list[str]:
        return [envelope.id for envelope in self.written(topic)]

    def metric(self, name: str, **labels: str) -> float:
        wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
        line_start = f"{name}{{{wanted}}} " if labels else f"{name} "
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.removeprefix(line_start)) for line in lines if line.startswith(line_start))

    async def _read(self, topic: str) -> list[Envelope]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.infra.bootstrap_servers, group_id=None)
        await consumer.start()
        try:
            partitions = [
                TopicPartition(topic, number) for number in range(PARTITIONS[topic.removeprefix(self.prefix)])
            ]
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            found: list[Envelope] = []
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [decode(record.value) for record in records]
            return found
        finally:
            await close_consumer(consumer, 2.0)


async def publish(bootstrap_servers: str, prefix: str, records: list[tuple[bytes, bytes]]) -> None:
    producer = DurableProducer(bootstrap_servers)
    await producer.start(wait_s=10)
    try:
        await producer.send_batch(f"{prefix}catalogue", [(key, value, []) for key, value in records], deadline_s=10)
    finally:
        await producer.stop()


def catalogue() -> tuple[list[tuple[bytes, bytes]], dict[str, str]]:
    """Return the records of two bodies with their services and keys, and the texts of the keys."""
    records = [
        service_record("permit", segments={"age": ("18-25", "26-64")}),
        service_record("parking"),
        service_record("school", body="county"),
    ]
    keys = {}
    wanted: dict[str, dict[str, Any]] = {
        "city": {},
        "parking-only": {"services": frozenset({"parking"})},
        "reader": {"scopes": frozenset({"read"})},
        "county": {"body": "county"},
        "revoked": {"revoked_at": datetime(2026, 1, 2, tzinfo=UTC)},
    }
    for name, fields in wanted.items():
        record, keys[name] = key_record(**fields)
        records.append(record)
    return records, keys


@pytest.fixture(scope="module")
def collector(infra: Infra) -> Iterator[Collector]:
    prefix = f"t{secrets.token_hex(5)}."
    records, keys = catalogue()
    run_sync(partial(ensure_topics, infra.bootstrap_servers, prefix))
    run_sync(partial(publish, infra.bootstrap_servers, prefix, records))
    with temporary_data_dir() as data_dir:
        port = Ports.free()[NAME]
        wiring = infra.wiring(_no_database(), data_dir=data_dir, CIVILOOP_TOPIC_PREFIX=prefix)
        url = f"http://{LOOPBACK}:{port}"
        spec = ChildSpec(
            name=NAME,
            argv=(sys.executable, "-m", "metrics_collector"),
            env={**wiring.base_env(), "CIVILOOP_PORT": str(port), "CIVILOOP_MAX_PRODUCE_BYTES_IN_FLIGHT": str(2**21)},
            log=data_dir.logs / f"{NAME}.log",
            port=port,
            cwd=data_dir.root,
            ready_url=f"{url}/readyz",
        )
        processes = Processes(data_dir)
        running = Collector(infra, processes, prefix, keys)
        running.client.base_url = httpx.URL(url)
        try:
            processes.add(spec, partial(service_gap, spec.ready_url))
            processes.wait_ready(NAME)
            yield running
        finally:
            running.client.close()
            processes.stop_all()


def _no_database() -> Database:
    return Database("none", "", "", "", "")


def now(**delta: float) -> str:
    """Return a time near now as clients write it."""
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def event(event_id: str = "", **fields: Any) -> dict[str, Any]:
    """Return an event that is taken."""
    return {
        "id": event_id or secrets.token_hex(8),
        "service": "permit",
        "journey_id": secrets.token_hex(8),
        "kind": "step",
        "occurred_at": now(seconds=-1),
        "channel": "web",
        **fields,
    }


__all__ = ["Collector", "event", "now"]
