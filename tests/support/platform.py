"""The real platform for tests: PostgreSQL and Kafka once a session, services on top of them as child processes.

Fixtures: ``infra`` (session), ``platform`` (session, all services), ``fresh_platform`` (one test, may be broken).
Every platform has a database and topics of its own, so tests do not meet. All of it is what `civiloop up` runs.
The next database is made beside the test that runs, and what old tests had goes beside it; never while a server is
killed or frozen.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from civiloop_cli.platform import Platform
from civiloop_cli.runtime import database, kafka, postgres
from civiloop_cli.runtime.child import ChildSpec
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.jars import ensure_jars
from civiloop_cli.runtime.local_secrets import LocalSecrets
from civiloop_cli.runtime.ports import LOOPBACK, Ports
from civiloop_cli.runtime.probe import kafka_gap, postgres_gap, service_gap
from civiloop_cli.runtime.records import end_left_over, left_over
from civiloop_cli.runtime.services import Job, Wiring, migrations, service_specs, topics
from tests.support.ahead import Ahead, Background
from tests.support.processes import Processes, run_sync


@dataclass(frozen=True)
class Database:
    """A database of its own: one URL per role, and the superuser's."""

    name: str
    admin: str
    feedback: str
    evaluation: str
    reporting: str


class Infra(Processes):
    """Real PostgreSQL and Kafka on free ports; children `postgres` and `kafka`.

    With a ``background`` the next migrated database is made ahead. Topics are not: while a broker makes them it answers
    late, and some tests give it two seconds.
    """

    def __init__(self, data_dir: DataDir, background: Background | None = None) -> None:
        super().__init__(data_dir)
        self._background = background
        self._databases = Ahead(background, self._new_copy) if background else None
        self.ports = Ports.free()
        self.secrets = LocalSecrets.load_or_make(data_dir)
        self.bootstrap_servers = f"{LOOPBACK}:{self.ports['kafka']}"
        self.admin_dsn = postgres.dsn(
            self.ports, user=postgres.SUPERUSER, password=self.secrets.postgres_password, database="postgres"
        )
        self._template = ""
        self._lock = threading.Lock()

    def bring_up(self) -> None:
        """Start both, side by side."""
        jars = ensure_jars(_NoStep(), stop=threading.Event())
        kafka.write_configuration(self.data_dir, self.ports)
        postgres.initialise(self.data_dir, password=self.secrets.postgres_password)
        self.add(postgres.server_spec(self.data_dir, self.ports), partial(postgres_gap, self.admin_dsn))
        kafka.format_storage(self.data_dir, jars, cluster_id=self.secrets.kafka_cluster_id)
        self.add(kafka.broker_spec(self.data_dir, jars, self.ports), partial(kafka_gap, self.bootstrap_servers))
        self.wait_ready("postgres")
        self.wait_ready("kafka")

    def new_database(self, *, migrated: bool = False) -> Database:
        """Make a fresh database with roles and schemas; `migrated` copies one on which all migrations have run."""
        if not migrated:
            return self._provisioned(f"t_{secrets.token_hex(6)}")
        return self._databases.take() if self._databases else self._new_copy()

    def drop_database(self, name: str) -> None:
        """Drop it, whoever is connected."""
        self._later(partial(run_sync, partial(self._execute, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')))

    def delete_topics(self, prefix: str) -> None:
        """Let go what a test has made: a broker of thousands of partitions is slow to come back from a kill."""
        self.resume("kafka")
        self._later(partial(self._delete_topics_if_it_is_there, prefix))

    def kill(self, name: str) -> None:
        """See ``Processes``; nothing of ours is under way there."""
        self._quiet()
        super().kill(name)

    def stop(self, name: str) -> bool:
        """See ``Processes``; nothing of ours is under way there."""
        self._quiet()
        return super().stop(name)

    def suspend(self, name: str) -> None:
        """See ``Processes``; nothing of ours is under way there."""
        self._quiet()
        super().suspend(name)

    def _quiet(self) -> None:
        if self._background is not None:
            self._background.quiet()

    def _later(self, work: Callable[[], None]) -> None:
        if self._background is None or self._background.submit(work) is None:
            work()

    def _new_copy(self) -> Database:
        name = f"t_{secrets.token_hex(6)}"
        run_sync(partial(self._copy, self._migrated_template(), name))
        return self._provisioned(name)

    def _provisioned(self, name: str) -> Database:
        run_sync(partial(database.provision, self.admin_dsn, self.secrets, database=name))
        return self._database(name)

    def _delete_topics_if_it_is_there(self, prefix: str) -> None:
        with suppress(KafkaError, OSError, TimeoutError):
            run_sync(partial(self._delete_topics, prefix))

    async def _delete_topics(self, prefix: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=10_000)
        try:
            await asyncio.wait_for(admin.start(), 10)
            made = [name for name in await admin.list_topics() if name.startswith(prefix)]
            if made:
                await admin.delete_topics(made)
        finally:
            await admin.close()

    def _database(self, name: str) -> Database:
        urls = database.role_urls(self.admin_dsn, self.secrets, database=name)
        password = self.secrets.postgres_password
        admin = postgres.dsn(self.ports, user=postgres.SUPERUSER, password=password, database=name)
        return Database(name, admin, urls.feedback, urls.evaluation, urls.reporting)

    def _migrated_template(self) -> str:
        with self._lock:
            if not self._template:
                template = self._provisioned(f"t_{secrets.token_hex(6)}")
                for job in migrations(self.wiring(template)):
                    run_job(job)
                self._template = template.name
            return self._template

    async def _copy(self, template: str, name: str) -> None:
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def wiring(self, base: Database, *, data_dir: DataDir | None = None, **extra_env: str) -> Wiring:
        """What services need to run on the given database."""
        return Wiring(
            data_dir=data_dir or self.data_dir,
            ports=Ports.free(),
            secrets=self.secrets,
            urls=database.RoleUrls(base.feedback, base.evaluation, base.reporting),
            bootstrap_servers=self.bootstrap_servers,
            extra_env=extra_env,
        )


class RunningPlatform(Processes):
    """All services on a database and topics of their own; children as in `civiloop status`."""

    def __init__(self, infra: Infra, data_dir: DataDir, **env: str) -> None:
        super().__init__(data_dir)
        self.infra = infra
        self.prefix = f"t{secrets.token_hex(5)}."
        self.database = infra.new_database(migrated=True)
        isolation = {"CIVILOOP_TOPIC_PREFIX": self.prefix, "CIVILOOP_CONSUMER_GROUP": f"{self.prefix}engine"}
        self.wiring = infra.wiring(self.database, data_dir=data_dir, **isolation, **env)
        self.admin_key = infra.secrets.admin_key

    @property
    def addresses(self) -> Platform:
        """Addresses and key, as commands and clients take them."""
        return Platform(
            feedback_url=self.wiring.url("feedback-api"),
            collector_url=self.wiring.url("metrics-collector"),
            engine_url=self.wiring.url("evaluation-engine"),
            reporting_url=self.wiring.url("reporting"),
            worker_url=self.wiring.url("engine-worker"),
            bootstrap_servers=self.wiring.bootstrap_servers,
            database_url=self.database.admin,
            admin_key=self.admin_key,
            data_dir=self.data_dir.root,
        )

    def bring_up(self) -> None:
        """Make the topics, start every installed service and wait until all are ready."""
        for job in topics(self.wiring):
            run_job(job)
        for spec in service_specs(self.wiring):
            self.add(spec, partial(service_gap, spec.ready_url))
        for name in self.names:
            self.wait_ready(name)

    def add_worker(self, name: str = "engine-worker-2", *, wait: bool = True) -> str:
        """Start one more ingest worker of the same group and return the URL of its health and metrics."""
        port = Ports.free()["engine-worker"]
        spec = next(spec for spec in service_specs(self.wiring) if spec.name == "engine-worker")
        url = f"http://{LOOPBACK}:{port}"
        another = ChildSpec(
            name=name,
            argv=spec.argv,
            env={**spec.env, "CIVILOOP_PORT": str(port)},
            log=self.data_dir.logs / f"{name}.log",
            port=port,
            cwd=spec.cwd,
            ready_url=f"{url}/readyz",
        )
        self.add(another, partial(service_gap, another.ready_url))
        if wait:
            self.wait_ready(name)
        return url


class _NoStep:
    def advance(self, done: int, total: int) -> None: ...

    def note(self, text: str) -> None: ...


def run_job(job: Job) -> None:
    """Run a command that must end well."""
    done = subprocess.run(job.argv, env=dict(job.env), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{job.name} failed:\n{done.stdout}\n{done.stderr}"


def _root() -> Path:
    """The folder of all test runs of this user; others may only pass through, as PostgreSQL has to under root."""
    root = Path(tempfile.gettempdir()) / f"civiloop-tests-{os.getuid()}"
    root.mkdir(mode=0o711, exist_ok=True)
    return root


def _sweep(root: Path) -> None:
    """End and remove what test runs that were killed have left."""
    for folder in root.iterdir():
        data_dir = DataDir(folder)
        if not data_dir.is_held() and (folder / "lock").exists():
            end_left_over(left_over(data_dir), grace_s=2)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_data_dir() -> Iterator[DataDir]:
    """A data directory that is removed afterwards, unless CIVILOOP_TEST_KEEP is set."""
    data_dir = DataDir(Path(tempfile.mkdtemp(prefix="run-", dir=_root())))
    data_dir.create()
    try:
        with data_dir.held():
            yield data_dir
    finally:
        if not os.environ.get("CIVILOOP_TEST_KEEP"):
            shutil.rmtree(data_dir.root, ignore_errors=True)


@contextmanager
def running_infra(background: Background | None = None) -> Iterator[Infra]:
    """PostgreSQL and Kafka for the block."""
    _sweep(_root())
    with temporary_data_dir() as data_dir, _stopped_at_end(Infra(data_dir, background)) as infra:
        infra.bring_up()
        yield infra


@contextmanager
def running_platform(infra: Infra, **env: str) -> Iterator[RunningPlatform]:
    """All services for the block; `env` is added to the environment of each."""
    with temporary_data_dir() as data_dir:
        running = RunningPlatform(infra, data_dir, **env)
        try:
            with _stopped_at_end(running):
                running.bring_up()
                yield running
        finally:
            infra.delete_topics(running.prefix)


P = TypeVar("P", bound=Processes)


@contextmanager
def _stopped_at_end(processes: P) -> Iterator[P]:
    atexit.register(processes.stop_all)
    try:
        yield processes
    finally:
        processes.stop_all()
        atexit.unregister(processes.stop_all)


@pytest.fixture(scope="session")
def infra() -> Iterator[Infra]:
    """Real PostgreSQL and Kafka, started once a session. A test that breaks a part must bring it back."""
    background = Background()
    with running_infra(background) as running:
        yield running
        background.close()


@pytest.fixture(scope="session")
def platform(infra: Infra) -> Iterator[RunningPlatform]:
    """All services, shared by the session: use ids of your own and leave it running."""
    with running_platform(infra) as running:
        yield running


@pytest.fixture
def fresh_platform(infra: Infra) -> Iterator[RunningPlatform]:
    """All services for one test that kills, freezes or counts."""
    with running_platform(infra) as running:
        yield running


@pytest.fixture
def database_of_its_own(infra: Infra) -> Iterator[Database]:
    """A migrated database for one test."""
    made = infra.new_database(migrated=True)
    yield made
    infra.drop_database(made.name)


@pytest.fixture
def topic_prefix(infra: Infra) -> Iterator[str]:
    """A prefix under which a test makes topics that nobody else uses; they are deleted afterwards."""
    prefix = f"t{secrets.token_hex(5)}."
    yield prefix
    infra.delete_topics(prefix)
