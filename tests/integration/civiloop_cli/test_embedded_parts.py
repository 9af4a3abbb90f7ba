import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.platform import Infra

pytestmark = [pytest.mark.requirement("B19")]


async def _make_topic(infra: Infra, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=infra.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()


async def _send(infra: Infra, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=infra.bootstrap_servers, acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait(topic, value)
    await producer.stop()


async def _read(infra: Infra, topic: str, count: int) -> list[tuple[int, bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=infra.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    records = [await consumer.getone() for _ in range(count)]
    await consumer.stop()
    return [(record.timestamp_type, record.value) for record in records]


async def test_kafka_keeps_an_acknowledged_record_when_it_is_killed(infra: Infra, topic_prefix: str) -> None:
    topic = f"{topic_prefix}kept"
    await _make_topic(infra, topic)
    await _send(infra, topic, b"before")
    infra.kill("kafka")
    infra.start("kafka")
    await _send(infra, topic, b"after")
    records = await _read(infra, topic, 2)
    assert [value for _, value in records] == [b"before", b"after"]
    assert {timestamp_type for timestamp_type, _ in records} == {1}, "records carry the time of the append"


async def test_postgresql_keeps_a_committed_row_when_it_is_killed(infra: Infra) -> None:
    database = infra.new_database()
    connection = await asyncpg.connect(database.feedback)
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.execute("CREATE TABLE feedback.kept AS SELECT 1 AS n")
    infra.kill("postgres")
    connection.terminate()
    infra.start("postgres")
    connection = await asyncpg.connect(database.feedback)
    assert await connection.fetchval("SELECT n FROM feedback.kept") == 1
    await connection.close()


async def test_parts_listen_on_loopback_only(infra: Infra) -> None:
    for name in ("postgres", "kafka"):
        listening = [
            c for c in psutil.Process(infra.pid(name)).net_connections("tcp") if c.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


async def test_a_wrong_password_is_refused(infra: Infra) -> None:
    wrong = infra.admin_dsn.replace(infra.secrets.postgres_password, "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_reporting_reads_the_published_views_and_nothing_else(infra: Infra) -> None:
    database = infra.new_database()
    owner = await asyncpg.connect(database.evaluation)
    await owner.execute("CREATE TABLE evaluation.hidden AS SELECT 1 AS n")
    await owner.execute("CREATE VIEW reporting_v1.shown AS SELECT n FROM evaluation.hidden")
    await owner.close()
    reader = await asyncpg.connect(database.reporting)
    assert await reader.fetchval("SELECT n FROM reporting_v1.shown") == 1
    for statement in (
        "SELECT n FROM evaluation.hidden",
        "INSERT INTO reporting_v1.shown VALUES (2)",
        "CREATE TABLE reporting_v1.own (n int)",
        "CREATE SCHEMA own",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(statement)
    await reader.close()


async def test_a_service_does_not_read_the_schema_of_another(infra: Infra) -> None:
    database = infra.new_database()
    feedback = await asyncpg.connect(database.feedback)
    await feedback.execute("CREATE TABLE feedback.private AS SELECT 1 AS n")
    await feedback.close()
    evaluation = await asyncpg.connect(database.evaluation)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await evaluation.execute("SELECT n FROM feedback.private")
    await evaluation.close()


def test_a_frozen_broker_goes_on_when_it_is_resumed(infra: Infra) -> None:
    infra.suspend("kafka")
    assert psutil.Process(infra.pid("kafka")).status() == psutil.STATUS_STOPPED
    infra.resume("kafka")
    infra.wait_ready("kafka")
