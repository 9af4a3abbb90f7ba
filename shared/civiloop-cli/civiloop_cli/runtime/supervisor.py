"""One run of the platform: from the first check to the last stopped child."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

from civiloop_cli.errors import DoctorError, PortTakenError, StartError
from civiloop_cli.platform import Platform
from civiloop_cli.progress import Progress
from civiloop_cli.runtime.data_dir import LAYOUT, DataDir, write_private
from civiloop_cli.runtime.doctor import Subject, blockers, examine
from civiloop_cli.runtime.jars import KAFKA_VERSION
from civiloop_cli.runtime.keeper import Keeper
from civiloop_cli.runtime.local_secrets import LocalSecrets
from civiloop_cli.runtime.ports import Ports, require_free
from civiloop_cli.runtime.records import alive_records, end_left_over
from civiloop_cli.runtime.startup import STOP_TIERS, External, Startup
from civiloop_cli.runtime.state import clear_state, own_state

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """What `civiloop up` was asked for."""

    data_dir: DataDir
    base: int
    progress: Progress
    load: Callable[[Platform], Awaitable[None]]
    announce: Callable[[Platform], Awaitable[None]]
    external: External = field(default_factory=External.from_environment)

    async def run(self) -> None:
        """Return when a signal has ended the run and every child is stopped.

        Raises:
            CommandError: it could not start; what was started is stopped again.
        """
        self._check()
        self.data_dir.create()
        with self.data_dir.held():
            clear_state(self.data_dir)
            self._clean_up()
            ports = Ports.from_base(self.base)
            require_free(ports, self.external.needed_ports(), base=self.base)
            self._remember()
            keeper = Keeper(self.data_dir, self.progress)
            with _signals(keeper) as interrupted:
                await self._run(keeper, ports, interrupted)

    def _check(self) -> None:
        subject = Subject(
            self.data_dir,
            self.base,
            tuple(self.external.needed_ports()),
            embedded_kafka=not self.external.bootstrap_servers,
            embedded_postgres=not self.external.database_url,
        )
        for finding in (found := examine(subject)):
            if finding.level == "warning":
                self.progress.line(f"{finding.message}{f' → {finding.hint}' if finding.hint else ''}", style="yellow")
        if stops := blockers(found):
            only_ports = {finding.check for finding in stops} == {"ports"}
            raise (PortTakenError if only_ports else DoctorError)(
                "; ".join(finding.message for finding in stops),
                hints=tuple(finding.hint for finding in stops if finding.hint),
            )

    def _clean_up(self) -> None:
        if records := alive_records(self.data_dir):
            with self.progress.step(f"Ending {len(records)} processes of a killed run"):
                if stubborn := end_left_over(records):
                    names = ", ".join(f"{record.name} (pid {record.pid})" for record in stubborn)
                    raise StartError(f"processes of a killed run can't be ended: {names}")

    def _remember(self) -> None:
        """Which version wrote the data, and on which ports."""
        versions = {"layout": LAYOUT, "civiloop": version("civiloop-cli"), "kafka": KAFKA_VERSION}
        write_private(self.data_dir.version, json.dumps(versions) + "\n")
        write_private(self.data_dir.settings, json.dumps({"port_base": self.base}) + "\n")

    async def _run(self, keeper: Keeper, ports: Ports, interrupted: asyncio.Event) -> None:
        state = own_state()
        keeper.on_change = lambda: state.write(self.data_dir, keeper.children())
        keeper.on_change()
        startup = Startup(keeper, ports, LocalSecrets.load_or_make(self.data_dir), self.external)
        watch = asyncio.create_task(keeper.watch())
        work = asyncio.create_task(self._work(startup, state.platform, keeper))
        end = asyncio.create_task(interrupted.wait())
        try:
            await asyncio.wait({work, watch, end}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() and not work.cancelled():
                platform = work.result()
                state.ready = True
                keeper.on_change()
                await self.announce(platform)
                await asyncio.wait({watch, end}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
        finally:
            state.ready = False
            await _cancel(work, watch, end)
            with self.progress.step("Stopping", done="Stopped"):
                await keeper.stop_all(STOP_TIERS)
            clear_state(self.data_dir)

    async def _work(self, startup: Startup, facts: dict[str, object], keeper: Keeper) -> Platform:
        platform = await startup.bring_up()
        facts.update(platform.as_json())
        keeper.on_change()
        await self.load(platform)
        return platform


async def _cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _signals(keeper: Keeper) -> Iterator[asyncio.Event]:
    """The first signal asks for an orderly stop, the second one ends every child at once."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if interrupted.is_set():
            keeper.kill_all()
        interrupted.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield interrupted
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
