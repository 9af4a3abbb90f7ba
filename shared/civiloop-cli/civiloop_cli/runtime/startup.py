"""Brings the platform up in order: PostgreSQL and Kafka side by side, migrations, topics, services."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from civiloop_cli.errors import StartError
from civiloop_cli.platform import Platform
from civiloop_cli.runtime import database, kafka, postgres
from civiloop_cli.runtime.child import ChildSpec
from civiloop_cli.runtime.jars import ensure_jars
from civiloop_cli.runtime.jobs import run_job
from civiloop_cli.runtime.keeper import Keeper
from civiloop_cli.runtime.local_secrets import LocalSecrets
from civiloop_cli.runtime.ports import LOOPBACK, OFFSETS, Ports
from civiloop_cli.runtime.probe import kafka_gap, postgres_gap, service_gap
from civiloop_cli.runtime.services import SERVICES, Job, Wiring, migrations, service_specs, topics

EXTERNAL_TIMEOUT_S = 30.0
STOP_TIERS = (("kafka",), ("postgres",))


@dataclass(frozen=True, slots=True)
class External:
    """Parts that run elsewhere; empty means that we start our own."""

    database_url: str = ""
    bootstrap_servers: str = ""

    @classmethod
    def from_environment(cls) -> External:
        """What DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS name."""
        return cls(os.environ.get("DATABASE_URL", ""), os.environ.get("KAFKA_BOOTSTRAP_SERVERS", ""))

    def needed_ports(self) -> list[str]:
        """The ports that we listen on ourselves."""
        spared = {"postgres"} if self.database_url else set()
        spared |= {"kafka", "kafka-controller"} if self.bootstrap_servers else set()
        return [name for name in OFFSETS if name not in spared]


@dataclass(frozen=True, slots=True)
class Startup:
    """One start of the platform on one data directory."""

    keeper: Keeper
    ports: Ports
    secrets: LocalSecrets
    external: External

    async def bring_up(self) -> Platform:
        """Return when every part is ready.

        Raises:
            CommandError: a part did not come up; what did is still kept by the keeper.
        """
        with _first_error():
            async with asyncio.TaskGroup() as group:
                urls, bootstrap = group.create_task(self._database()), group.create_task(self._kafka())
        wiring = Wiring(
            data_dir=self.keeper.data_dir,
            ports=self.ports,
            secrets=self.secrets,
            urls=urls.result(),
            bootstrap_servers=bootstrap.result(),
        )
        await self._prepare(wiring)
        await self._services(service_specs(wiring))
        return self._platform(wiring)

    async def _database(self) -> database.RoleUrls:
        if self.external.database_url:
            with self.keeper.progress.step("Preparing the database that DATABASE_URL names"):
                urls = await database.provision_external(self.external.database_url, self.secrets)
            if urls.warning:
                self.keeper.progress.line(urls.warning, style="yellow")
            return urls
        return await self._own_database()

    async def _own_database(self) -> database.RoleUrls:
        data_dir, password = self.keeper.data_dir, self.secrets.postgres_password
        admin = self.admin_url
        with self.keeper.progress.step("Starting PostgreSQL", done="PostgreSQL is ready") as step:
            await asyncio.to_thread(postgres.initialise, data_dir, password=password)
            self.keeper.start(postgres.server_spec(data_dir, self.ports), partial(postgres_gap, admin))
            await self.keeper.await_ready("postgres", step)
            return await database.provision(admin, self.secrets)

    @property
    def admin_url(self) -> str:
        """The superuser's URL on our own server, or the one that was given."""
        if self.external.database_url:
            return self.external.database_url
        user, password = postgres.SUPERUSER, self.secrets.postgres_password
        return postgres.dsn(self.ports, user=user, password=password, database="postgres")

    async def _kafka(self) -> str:
        given = self.external.bootstrap_servers
        if given:
            with self.keeper.progress.step(f"Looking for Kafka at {given}"):
                await _await_external(given)
            return given
        return await self._own_kafka()

    async def _own_kafka(self) -> str:
        data_dir, progress = self.keeper.data_dir, self.keeper.progress
        stop = threading.Event()
        try:
            with progress.step("Fetching and verifying Kafka's jars") as step:
                jars = await asyncio.to_thread(ensure_jars, step, stop=stop)
        finally:
            stop.set()
        address = f"{LOOPBACK}:{self.ports['kafka']}"
        with progress.step("Starting Kafka", done="Kafka is ready") as step:
            kafka.write_configuration(data_dir, self.ports)
            if not kafka.is_formatted(data_dir):
                format_now = partial(kafka.format_storage, data_dir, jars, cluster_id=self.secrets.kafka_cluster_id)
                await asyncio.to_thread(format_now)
            self.keeper.start(kafka.broker_spec(data_dir, jars, self.ports), partial(kafka_gap, address))
            await self.keeper.await_ready("kafka", step)
        return address

    async def _prepare(self, wiring: Wiring) -> None:
        jobs: list[Job] = [*migrations(wiring), *topics(wiring)]
        if jobs:
            with self.keeper.progress.step("Migrating the database and making the topics"):
                await _side_by_side(*(run_job(job) for job in jobs))

    async def _services(self, specs: list[ChildSpec]) -> None:
        if missing := sorted(set(SERVICES) - {spec.name for spec in specs}):
            self.keeper.progress.line(f"not installed, so not started: {', '.join(missing)}", style="yellow")
        for spec in specs:
            self.keeper.start(spec, partial(service_gap, spec.ready_url))
        await _side_by_side(*(self._await_service(spec.name) for spec in specs))

    async def _await_service(self, name: str) -> None:
        with self.keeper.progress.step(f"Starting {name}", done=f"{name} is ready") as step:
            await self.keeper.await_ready(name, step)

    def _platform(self, wiring: Wiring) -> Platform:
        return Platform(
            feedback_url=wiring.url("feedback-api"),
            collector_url=wiring.url("metrics-collector"),
            engine_url=wiring.url("evaluation-engine"),
            reporting_url=wiring.url("reporting"),
            worker_url=wiring.url("engine-worker"),
            bootstrap_servers=wiring.bootstrap_servers,
            database_url=self.admin_url,
            admin_key=self.secrets.admin_key,
            data_dir=self.keeper.data_dir.root,
            first_start=not self.keeper.data_dir.sample_loaded.exists(),
        )


async def _await_external(bootstrap_servers: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + EXTERNAL_TIMEOUT_S
    while gap := await kafka_gap(bootstrap_servers):
        if loop.time() > deadline:
            raise StartError(
                f"KAFKA_BOOTSTRAP_SERVERS={bootstrap_servers} can't be reached: {gap}",
                hints=("start that Kafka, or unset KAFKA_BOOTSTRAP_SERVERS to use the embedded one",),
            )
        await asyncio.sleep(0.5)


async def _side_by_side(*work: Coroutine[None, None, None]) -> None:
    """Await all; the first failure cancels the rest."""
    with _first_error():
        async with asyncio.TaskGroup() as group:
            for item in work:
                group.create_task(item)


@contextmanager
def _first_error() -> Iterator[None]:
    """Raise the first error of a task group itself, not in a group."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
