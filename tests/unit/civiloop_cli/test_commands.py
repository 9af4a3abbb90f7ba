import json
from pathlib import Path

from typer.testing import CliRunner

from civiloop_cli.app import app


def test_status_says_that_nothing_runs_and_fails(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["status", "--json", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"running": False, "ready": False, "data_dir": str(tmp_path), "parts": []}


def test_down_may_be_said_when_nothing_runs(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["down", "--json", "--data-dir", str(tmp_path)])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"stopped": False, "left_over_ended": []}


def test_an_error_is_one_line_of_json_with_its_code(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["up", "--json", "--port-base", "70000", "--data-dir", str(tmp_path / "data")])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "port_taken"
