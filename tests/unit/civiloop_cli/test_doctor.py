import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from civiloop_cli.app import app
from civiloop_cli.runtime import doctor
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.ports import Ports


def _subject(data_dir: DataDir, base: int = 8600) -> doctor.Subject:
    return doctor.Subject(data_dir, base, tuple(Ports.from_base(base).numbers))


def _write_version(data_dir: DataDir, **changes: object) -> None:
    data_dir.version.write_text(json.dumps({"layout": 1, "civiloop": "0.1.0", "kafka": "4.3.1", **changes}))


def test_an_old_python_is_a_blocker() -> None:
    assert doctor.python_finding((3, 10), in_venv=True).level == "blocker"
    assert doctor.python_finding((3, 11), in_venv=True).level == "ok"


@pytest.mark.parametrize(
    ("system", "libc", "level"),
    [("Linux", "glibc", "ok"), ("Darwin", "", "ok"), ("Linux", "", "blocker"), ("Windows", "", "blocker")],
)
def test_systems_without_wheels_are_blockers(system: str, libc: str, level: str) -> None:
    assert doctor.system_finding(system, libc).level == level


def test_musl_is_named() -> None:
    assert "musl" in doctor.system_finding("Linux", "").message


def test_proxy_settings_are_shown_without_their_password() -> None:
    findings = doctor.proxy_findings({"HTTPS_PROXY": "http://me:hunter2@proxy.example:3128", "NO_PROXY": "127.0.0.1"})
    shown = " ".join(finding.message for finding in findings)
    assert "proxy.example:3128" in shown
    assert "hunter2" not in shown


def test_a_proxy_that_would_catch_loopback_is_a_warning() -> None:
    caught = doctor.proxy_findings({"http_proxy": "http://proxy.example:3128", "NO_PROXY": "example.org"})
    spared = doctor.proxy_findings({"http_proxy": "http://proxy.example:3128", "no_proxy": "localhost, 127.0.0.1"})
    assert "warning" in [finding.level for finding in caught]
    assert "warning" not in [finding.level for finding in spared]


def test_a_full_disk_is_a_blocker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_NEEDED_MB", 10**12)
    assert doctor.disk_finding(tmp_path / "not" / "yet", "data directory").level == "blocker"


def test_data_of_another_layout_is_a_blocker(data_dir: DataDir) -> None:
    _write_version(data_dir, layout=99, civiloop="9.0.0")
    finding = doctor.version_finding(data_dir)
    assert finding.level == "blocker"
    assert "9.0.0" in finding.message


def test_data_of_another_postgresql_is_a_blocker(data_dir: DataDir) -> None:
    data_dir.postgres.mkdir()
    (data_dir.postgres / "PG_VERSION").write_text("17\n")
    finding = doctor.version_finding(data_dir)
    assert finding.level == "blocker"
    assert "17" in finding.message


@pytest.mark.parametrize(("kafka", "level"), [("4.3.1", "ok"), ("4.2.0", "ok"), ("4.10.0", "blocker")])
def test_data_of_a_newer_kafka_is_a_blocker(data_dir: DataDir, kafka: str, level: str) -> None:
    _write_version(data_dir, kafka=kafka)
    assert doctor.version_finding(data_dir).level == level


def test_a_place_that_cannot_be_written_is_a_blocker(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor.data_dir_finding(DataDir(tmp_path / "file" / "data")).level == "blocker"


def test_looking_makes_nothing(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    doctor.examine(_subject(data_dir))
    assert not data_dir.root.exists()


def test_a_taken_port_makes_the_command_fail_and_is_named(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        arguments = ["doctor", "--json", "--data-dir", str(tmp_path / "data"), "--port-base", str(port - 1)]
        result = CliRunner().invoke(app, arguments)
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert answer["ok"] is False
    assert any(f["check"] == "ports" and str(port) in f["message"] for f in answer["findings"])
