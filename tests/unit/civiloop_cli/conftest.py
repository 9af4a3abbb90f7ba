from pathlib import Path

import pytest

from civiloop_cli.runtime.data_dir import DataDir


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.create()
    return made
