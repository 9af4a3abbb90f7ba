import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from civiloop_cli.runtime.child import Child, ChildSpec
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.records import Record, alive_records, end_left_over, left_over, read_records, write_records

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    yield from _running(SLEEPER)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[bytes]]:
    yield from _running(STUBBORN)


def _running(code: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def _record(process: subprocess.Popen[bytes]) -> Record:
    return Record("sleeper", process.pid, psutil.Process(process.pid).create_time(), signal.SIGTERM)


def test_a_left_over_process_is_ended(sleeper: subprocess.Popen[bytes]) -> None:
    record = _record(sleeper)
    assert end_left_over([record]) == []
    assert record.process() is None


def test_a_left_over_process_that_does_not_listen_is_killed(stubborn: subprocess.Popen[bytes]) -> None:
    record = _record(stubborn)
    assert end_left_over([record], grace_s=0.2) == []
    assert record.process() is None


def test_a_frozen_left_over_process_is_ended(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    record = _record(sleeper)
    assert end_left_over([record]) == []
    assert record.process() is None


def test_a_process_that_only_got_the_number_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    other = dataclasses.replace(_record(sleeper), created_at=_record(sleeper).created_at - 3600)
    assert other.process() is None
    assert end_left_over([other]) == []
    assert sleeper.poll() is None


def test_a_process_that_is_gone_is_no_left_over(sleeper: subprocess.Popen[bytes]) -> None:
    record = _record(sleeper)
    sleeper.kill()
    sleeper.wait()
    assert record.process() is None


def test_running_children_are_recorded_and_found_again(data_dir: DataDir) -> None:
    child = Child(
        ChildSpec(
            name="sleeper",
            argv=(sys.executable, "-c", SLEEPER),
            env=dict(os.environ),
            log=data_dir.logs / "sleeper.log",
            port=0,
            cwd=data_dir.root,
        )
    )
    child.start()
    write_records(data_dir.children, [child])
    assert [record.pid for record in left_over(data_dir)] == [child.pid]
    with data_dir.held():
        assert left_over(data_dir) == [], "they belong to the one who holds the directory"
        assert alive_records(data_dir)
    assert child.stop()
    assert left_over(data_dir) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"children": [{}]}', '{"children": [{"name": 1, "pid": "x"}]}'])
def test_damaged_records_are_left_out(data_dir: DataDir, text: str) -> None:
    data_dir.children.write_text(text)
    assert read_records(data_dir) == []
