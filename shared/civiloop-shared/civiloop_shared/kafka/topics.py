"""Makes the topics of the contracts, or brings their settings up to date. Safe to run at every start.

``python -m civiloop_shared.kafka.topics`` takes the same environment as the services.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterable
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from civiloop_shared.contracts.topics import ALL, Topic
from civiloop_shared.errors import CiviloopError, UnavailableError

_log = logging.getLogger(__name__)

_TIMEOUT_MS = 15_000
_COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "3600000",
    "segment.ms": "3600000",
    "delete.retention.ms": str(7 * 86_400_000),
}


class TopicMismatchError(CiviloopError):
    """A topic has another number of partitions than the contract: changing it is a documented drain, never silent."""

    code = "topic-mismatch"


def topic_config(topic: Topic, replication_factor: int) -> dict[str, str]:
    """Return the settings of a topic.

    Event time as record time would let retention delete back-dated events, hence ``LogAppendTime``.
    """
    config = {
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2" if replication_factor >= 3 else "1",
        "retention.ms": str(topic.retention_ms),
        "cleanup.policy": "delete",
    }
    return config | _COMPACTED if topic.compacted else config


async def ensure_topics(
    bootstrap_servers: str, prefix: str = "", replication_factor: int = 1, topics: Iterable[Topic] = ALL
) -> list[str]:
    """Make the topics that are missing, set right the settings of the others; return the names that were made.

    Raises:
        UnavailableError: Kafka can't be reached or did not do it.
        TopicMismatchError: a topic is there with another number of partitions.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=_TIMEOUT_MS)
    try:
        await admin.start()
        return await _ensure(admin, {prefix + topic.name: topic for topic in topics}, replication_factor)
    except (kafka_errors.KafkaError, OSError) as error:
        raise UnavailableError("the topics can't be made", dependency="kafka") from error
    finally:
        await admin.close()


async def _ensure(admin: AIOKafkaAdminClient, wanted: dict[str, Topic], replication_factor: int) -> list[str]:
    existing = set(await admin.list_topics())
    made = [name for name in wanted if name not in existing]
    await _create(admin, {name: wanted[name] for name in made}, replication_factor)
    await _until_led(admin, made)
    there = {name: topic for name, topic in wanted.items() if name in existing}
    if there:
        await _check_partitions(admin, there)
        await _align(admin, there, replication_factor)
    return made


async def _create(admin: AIOKafkaAdminClient, wanted: dict[str, Topic], replication_factor: int) -> None:
    if not wanted:
        return
    response = await admin.create_topics(
        [
            NewTopic(name, topic.partitions, replication_factor, topic_configs=topic_config(topic, replication_factor))
            for name, topic in wanted.items()
        ]
    )
    for name, code, *_ in response.topic_errors:
        error = kafka_errors.for_code(code)
        if error not in (kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError):
            raise error(name)
        _log.info("topic %s has %d partitions", name, wanted[name].partitions)


async def _until_led(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until every partition of fresh topics has a leader, so that who starts next finds them."""
    deadline = time.monotonic() + _TIMEOUT_MS / 1000
    while names:
        found = await admin.describe_topics(names)
        if all(_is_led(topic) for topic in found):
            return
        if time.monotonic() > deadline:
            raise kafka_errors.LeaderNotAvailableError(", ".join(names))
        await asyncio.sleep(0.1)


def _is_led(topic: dict[str, Any]) -> bool:
    partitions = topic["partitions"]
    return topic["error_code"] == 0 and bool(partitions) and all(one["leader"] >= 0 for one in partitions)


async def _check_partitions(admin: AIOKafkaAdminClient, wanted: dict[str, Topic]) -> None:
    for found in await admin.describe_topics(list(wanted)):
        name, count = found["topic"], len(found["partitions"])
        if count and count != wanted[name].partitions:
            raise TopicMismatchError(f"{name} has {count} partitions, the contract says {wanted[name].partitions}")


async def _align(admin: AIOKafkaAdminClient, wanted: dict[str, Topic], replication_factor: int) -> None:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    changes = []
    for response in await admin.describe_configs(resources):
        for code, _, _, name, entries, *_ in response.resources:
            if code != 0:
                raise kafka_errors.for_code(code)(name)
            actual = {entry[0]: entry[1] for entry in entries}
            config = topic_config(wanted[name], replication_factor)
            if any(actual.get(key) != value for key, value in config.items()):
                changes.append(ConfigResource(ConfigResourceType.TOPIC, name, configs=config))
    if changes:
        _log.info("settings of %d topics are brought up to date", len(changes))
        for response in await admin.alter_configs(changes):
            for code, _, _, name, *_ in response.resources:
                if code != 0:
                    raise kafka_errors.for_code(code)(name)


def main() -> int:
    """Make the topics that the environment asks for; print what was done."""
    from civiloop_shared.settings import CommonSettings, load_settings

    settings = load_settings(CommonSettings)
    if settings.kafka_bootstrap_servers is None:
        sys.stderr.write("KAFKA_BOOTSTRAP_SERVERS: Field required\n")
        return 2
    try:
        made = asyncio.run(
            ensure_topics(settings.kafka_bootstrap_servers, settings.topic_prefix, settings.replication_factor)
        )
    except CiviloopError as error:
        sys.stderr.write(f"{error}: {error.__cause__!r}\n")
        return 1
    sys.stdout.write(f"{len(made)} topics made: {', '.join(made)}\n" if made else "all topics are there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
