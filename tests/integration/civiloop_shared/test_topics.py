"""Topics are made once, with the settings of the contract."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from civiloop_shared.contracts.topics import ALL, JOURNEYS, Topic
from civiloop_shared.errors import UnavailableError
from civiloop_shared.kafka.metadata import topic_ids
from civiloop_shared.kafka.topics import TopicMismatchError, ensure_topics
from tests.integration.civiloop_shared.conftest import Broker


async def test_topics_are_made_once(broker: Broker) -> None:
    made = await ensure_topics(broker.bootstrap_servers, "once.")
    assert set(made) == {f"once.{topic.name}" for topic in ALL}
    assert await ensure_topics(broker.bootstrap_servers, "once.") == []


async def test_records_get_the_time_of_the_broker_and_changed_retention_is_taken_over(broker: Broker) -> None:
    short = Topic("t", 2, 3_600_000)
    await ensure_topics(broker.bootstrap_servers, "config.", topics=[short])
    await ensure_topics(broker.bootstrap_servers, "config.", topics=[Topic("t", 2, 7_200_000)])
    config = await _config(broker, "config.t")
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["retention.ms"] == "7200000"
    assert config["min.insync.replicas"] == "1"


async def test_another_number_of_partitions_is_refused(broker: Broker) -> None:
    await ensure_topics(broker.bootstrap_servers, "count.", topics=[Topic("t", 2, -1)])
    with pytest.raises(TopicMismatchError):
        await ensure_topics(broker.bootstrap_servers, "count.", topics=[Topic("t", 3, -1)])


async def test_a_topic_that_is_made_anew_has_another_id(broker: Broker) -> None:
    name = f"anew.{JOURNEYS.name}"
    await ensure_topics(broker.bootstrap_servers, "anew.", topics=[JOURNEYS])
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        before = await topic_ids(admin._client, [name, "anew.never"])
        await admin.delete_topics([name])
        while await topic_ids(admin._client, [name]):
            await asyncio.sleep(0.1)
        await ensure_topics(broker.bootstrap_servers, "anew.", topics=[JOURNEYS])
        after = await topic_ids(admin._client, [name])
    finally:
        await admin.close()
    assert set(before) == {name}
    assert before[name] != after[name]


async def test_no_broker_is_said_and_not_waited_for() -> None:
    with pytest.raises(UnavailableError):
        await ensure_topics("127.0.0.1:1")


async def _config(broker: Broker, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    [(_, _, _, _, entries, *_)] = response.resources
    return {entry[0]: entry[1] for entry in entries}
