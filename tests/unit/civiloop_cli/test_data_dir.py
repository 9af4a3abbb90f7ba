from pathlib import Path

import pytest

from civiloop_cli.errors import AlreadyRunningError, DataDirError
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private


def test_it_is_dot_civiloop_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIVILOOP_DATA_DIR", raising=False)
    assert DataDir.choose(None).root == tmp_path / ".civiloop"
    monkeypatch.setenv("CIVILOOP_DATA_DIR", str(tmp_path / "variable"))
    assert DataDir.choose(None).root == tmp_path / "variable"
    assert DataDir.choose(tmp_path / "option").root == tmp_path / "option"


def test_only_one_supervisor_holds_it(data_dir: DataDir) -> None:
    assert not data_dir.is_held()
    with data_dir.held():
        assert data_dir.is_held()
        with pytest.raises(AlreadyRunningError), data_dir.held():
            pass
    assert not data_dir.is_held()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirError, match="can't be written"):
        DataDir(tmp_path / "file" / "data").create()


def test_its_content_is_kept_out_of_git(data_dir: DataDir) -> None:
    assert (data_dir.root / ".gitignore").read_text() == "*\n"


def test_a_file_is_replaced_at_once_and_leaves_nothing_behind(data_dir: DataDir) -> None:
    write_private(data_dir.settings, '{"port_base": 1}')
    write_private(data_dir.settings, '{"port_base": 8700}')
    assert data_dir.remembered_base() == 8700
    assert [path.name for path in data_dir.root.iterdir() if path.name.startswith(".settings")] == []


@pytest.mark.parametrize("text", ["", "[1]", "nonsense"])
def test_what_is_no_object_reads_as_empty(data_dir: DataDir, text: str) -> None:
    data_dir.settings.write_text(text)
    assert read_json(data_dir.settings) == {}
    assert data_dir.remembered_base() is None
