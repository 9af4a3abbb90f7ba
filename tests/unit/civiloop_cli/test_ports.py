import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from civiloop_cli.errors import PortTakenError
from civiloop_cli.runtime.ports import (
    DEFAULT_BASE,
    OFFSETS,
    Holder,
    Ports,
    base_from,
    holder_of,
    is_taken,
    require_free,
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held


def _ports_with(taken: int) -> Ports:
    return Ports({**Ports.free().numbers, "kafka": taken})


def test_ports_are_counted_from_the_base() -> None:
    ports = Ports.from_base(8600)
    assert [ports[name] for name in ("feedback-api", "engine-worker", "postgres", "kafka")] == [8601, 8605, 8606, 8607]


@pytest.mark.parametrize("base", [0, 80, 1023, 65528, 70000, -5])
def test_a_base_whose_ports_do_not_exist_is_refused(base: int) -> None:
    with pytest.raises(PortTakenError):
        Ports.from_base(base)


def test_a_port_that_somebody_listens_on_is_taken(listener: socket.socket) -> None:
    assert is_taken(listener.getsockname()[1])


def test_a_port_that_somebody_listens_on_at_every_address_is_taken() -> None:
    with socket.socket() as held:
        held.bind(("0.0.0.0", 0))
        held.listen()
        assert is_taken(held.getsockname()[1])


def test_free_ports_are_free_and_differ() -> None:
    ports = Ports.free()
    assert len(set(ports.numbers.values())) == len(OFFSETS)
    require_free(ports, OFFSETS, base=DEFAULT_BASE)


def test_a_taken_port_is_named_with_its_part_and_the_setting_that_changes_it(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(PortTakenError) as error:
        require_free(_ports_with(port), OFFSETS, base=DEFAULT_BASE)
    assert str(port) in error.value.message
    assert "kafka" in error.value.message
    assert "--port-base" in error.value.hints[0]


def test_a_port_of_a_part_that_runs_elsewhere_may_be_taken(listener: socket.socket) -> None:
    require_free(_ports_with(listener.getsockname()[1]), ["feedback-api"], base=DEFAULT_BASE)


def test_the_holder_of_a_port_is_another_civiloop_when_it_works_in_a_data_directory(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets.json").touch()
    (tmp_path / "kafka").mkdir()
    monkeypatch.chdir(tmp_path / "kafka")
    holder = holder_of(listener.getsockname()[1])
    assert holder.data_dir == str(tmp_path)


def test_an_unknown_holder_is_called_another_program() -> None:
    assert str(Holder()) == "by another program"


def test_the_option_wins_over_the_variable_and_that_over_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIVILOOP_PORT_BASE", raising=False)
    assert base_from(None, None) == DEFAULT_BASE
    assert base_from(None, 8700) == 8700
    monkeypatch.setenv("CIVILOOP_PORT_BASE", "8800")
    assert base_from(None, 8700) == 8800
    assert base_from(8900, 8700) == 8900


def test_a_base_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIVILOOP_PORT_BASE", "many")
    with pytest.raises(PortTakenError, match="not a number"):
        base_from(None, None)
