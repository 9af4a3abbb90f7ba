import asyncio
import os
import signal
import sys
from io import StringIO

import pytest
from rich.console import Console

from civiloop_cli.errors import StartError
from civiloop_cli.progress import PlainProgress
from civiloop_cli.runtime.child import ChildSpec, trim_log
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.keeper import Keeper, how_it_ended

SLEEPER = "import time; print('working', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
NOTES_ITS_END = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (open('order', 'a').write('NAME '), sys.exit()))
"""


class _Stage:
    """A keeper whose words can be read."""

    def __init__(self, data_dir: DataDir) -> None:
        self._out = StringIO()
        self.data_dir = data_dir
        self.progress = PlainProgress(Console(file=self._out, width=200))
        self.keeper = Keeper(data_dir, self.progress)

    @property
    def said(self) -> str:
        return self._out.getvalue()

    def start(self, name: str, code: str, grace_s: float = 5) -> None:
        spec = ChildSpec(
            name=name,
            argv=(sys.executable, "-c", code),
            env=dict(os.environ),
            log=self.data_dir.logs / f"{name}.log",
            port=0,
            cwd=self.data_dir.root,
            grace_s=grace_s,
        )

        async def probe() -> str:
            return "" if spec.log.exists() and spec.log.read_text() else "silent"

        self.keeper.start(spec, probe)

    async def ready(self, name: str, timeout_s: float = 20) -> None:
        with self.progress.step(name) as step:
            await self.keeper.await_ready(name, step, timeout_s=timeout_s)

    def pid(self, name: str) -> int | None:
        return next(child.pid for child in self.keeper.children() if child.spec.name == name)


@pytest.fixture
def stage(data_dir: DataDir) -> _Stage:
    return _Stage(data_dir)


async def test_a_child_that_dies_is_named_with_its_last_lines_and_started_again(stage: _Stage) -> None:
    stage.start("worker", SLEEPER)
    watch = asyncio.create_task(stage.keeper.watch())
    await stage.ready("worker")
    first = stage.pid("worker")
    assert first
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(20):
        while "ready again" not in stage.said:
            await asyncio.sleep(0.05)
    assert stage.pid("worker") not in (None, first)
    assert "worker was ended by SIGKILL; it starts again in 0.5 s" in stage.said
    assert "    working" in stage.said
    watch.cancel()
    await stage.keeper.stop_all(())


async def test_a_child_that_keeps_dying_at_the_start_ends_the_start(stage: _Stage) -> None:
    stage.start("broken", "import sys; sys.exit('no setting')")
    stage.data_dir.logs.joinpath("broken.log").write_text("")
    watch = asyncio.create_task(stage.keeper.watch())
    with pytest.raises(StartError, match="broken ended 3 times while starting"):
        await stage.ready("broken")
    assert "no setting" in stage.said
    watch.cancel()
    await stage.keeper.stop_all(())


async def test_children_are_stopped_tier_by_tier(stage: _Stage) -> None:
    for name in ("postgres", "kafka", "service"):
        stage.start(name, f"{NOTES_ITS_END}\n{SLEEPER}".replace("NAME", name))
        await stage.ready(name)
    await stage.keeper.stop_all((("kafka",), ("postgres",)))
    assert (stage.data_dir.root / "order").read_text() == "service kafka postgres "


async def test_a_child_that_does_not_stop_in_its_grace_is_killed(stage: _Stage) -> None:
    stage.start("stubborn", STUBBORN, grace_s=0.3)
    await stage.ready("stubborn")
    await stage.keeper.stop_all(())
    assert stage.pid("stubborn") is None
    assert "did not stop within 0.3 s and was killed" in stage.said


async def test_a_program_that_is_not_there_is_an_error(stage: _Stage) -> None:
    spec = ChildSpec(
        name="gone",
        argv=("/nonexistent",),
        env={},
        log=stage.data_dir.logs / "gone.log",
        port=0,
        cwd=stage.data_dir.root,
    )

    async def probe() -> str:
        return ""

    with pytest.raises(StartError, match="gone can't be started"):
        stage.keeper.start(spec, probe)


def test_the_end_of_a_process_is_told_in_words() -> None:
    assert how_it_ended(-9) == "was ended by SIGKILL"
    assert how_it_ended(2) == "ended with exit code 2"


def test_a_log_that_grew_too_long_is_kept_once_and_begun_anew(data_dir: DataDir) -> None:
    log = data_dir.logs / "a.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 100)
        writer.flush()
        trim_log(log, limit=50)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert log.with_suffix(".log.1").read_bytes() == b"x" * 100
