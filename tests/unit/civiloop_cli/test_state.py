import dataclasses

from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.state import own_state, read_state, running_platform


def test_the_state_is_read_while_its_supervisor_holds_the_directory(data_dir: DataDir) -> None:
    state = own_state()
    state.write(data_dir, [])
    assert read_state(data_dir) is None
    with data_dir.held():
        assert read_state(data_dir) == state


def test_what_a_killed_supervisor_left_does_not_count_for_its_successor(data_dir: DataDir) -> None:
    stale = dataclasses.replace(own_state(), created_at=1.0, ready=True)
    stale.write(data_dir, [])
    with data_dir.held():
        assert read_state(data_dir) is None
        assert running_platform(data_dir) is None


def test_a_platform_that_is_still_starting_is_not_running(data_dir: DataDir) -> None:
    own_state().write(data_dir, [])
    with data_dir.held():
        assert running_platform(data_dir) is None
