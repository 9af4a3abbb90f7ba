import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from civiloop_cli.runtime.ports import free_base

WITHOUT = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "CIVILOOP_PORT_BASE", "CIVILOOP_DATA_DIR")


class Installation:
    """One data directory and the command on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        base = free_base(20_000)
        assert base
        self.base = base

    def call(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run `civiloop … --json`; exit code and what it printed."""
        argv = [sys.executable, "-m", "civiloop_cli", *arguments, "--json", "--data-dir", str(self.root)]
        environment = {name: value for name, value in os.environ.items() if name not in WITHOUT}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.stdout.count("\n") == 1, f"one line of JSON expected:\n{done.stdout}\n{done.stderr}"
        return done.returncode, json.loads(done.stdout)

    def up(self) -> dict[str, Any]:
        code, answer = self.call("up", "--detach", "--no-sample", "--port-base", str(self.base))
        assert code == 0, answer
        return answer

    def parts(self) -> dict[str, dict[str, Any]]:
        return {part["name"]: part for part in self.call("status")[1]["parts"]}

    def wait(self, name: str, *, another_pid_than: int) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            part = self.parts()[name]
            if part["ready"] and part["pid"] != another_pid_than:
                return part
            time.sleep(0.3)
        raise AssertionError(f"{name} did not come back: {part}")


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation") / "data")
    yield made
    made.call("down")


@pytest.mark.requirement("B14")
def test_it_starts_repairs_itself_survives_its_own_death_and_stops(installation: Installation) -> None:
    answer = installation.up()
    assert answer["admin_key"].startswith("civ_")
    assert installation.call("status")[1]["ready"]

    before = installation.parts()
    os.kill(before["kafka"]["pid"], signal.SIGKILL)
    back = installation.wait("kafka", another_pid_than=before["kafka"]["pid"])
    assert back["restarts"] == 1
    assert "kafka was ended by SIGKILL" in (installation.root / "logs" / "supervisor.log").read_text()

    again = installation.up()
    assert again["admin_key"] == answer["admin_key"], "a second up shows what runs"

    running = installation.parts()
    os.kill(running["supervisor"]["pid"], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(running["supervisor"]["pid"])], timeout=5)
    code, findings = installation.call("doctor")
    assert code == 0
    assert any(f["check"] == "left-over processes" and "kafka" in f["message"] for f in findings["findings"])

    assert installation.up()["admin_key"] == answer["admin_key"], "data and keys are kept"
    orphans = {part["pid"] for part in running.values()}
    assert not {pid for pid in orphans if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"}

    pids = [part["pid"] for part in installation.parts().values()]
    assert installation.call("down") == (0, {"stopped": True, "left_over_ended": []})
    assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]


def test_a_second_installation_is_told_which_ports_are_taken_and_by_whom(
    installation: Installation, tmp_path: Path
) -> None:
    installation.up()
    other = Installation(tmp_path / "other")
    code, answer = other.call("up", "--detach", "--no-sample", "--port-base", str(installation.base))
    assert code == 1
    assert answer["error"]["code"] == "port_taken"
    assert str(installation.root) in answer["error"]["message"]
    assert "--port-base" in answer["error"]["hints"][0]


def test_secrets_are_for_their_owner_only(installation: Installation) -> None:
    installation.up()
    loose = [
        path.name
        for path in (*installation.root.glob("*.json"), installation.root / "logs", installation.root / "kafka")
        if path.stat().st_mode & 0o077
    ]
    assert loose == []
    assert not (installation.root.stat().st_mode & 0o066)
