from __future__ import annotations

import asyncio

import pytest

from civiloop_shared.observability import Readiness

pytestmark = pytest.mark.requirement("B14")


def test_a_service_is_ready_when_every_named_dependency_is() -> None:
    readiness = Readiness("postgres", "kafka")
    assert readiness.missing() == {"postgres": "starting", "kafka": "starting"}
    readiness.set("postgres", True)
    assert list(readiness.missing()) == ["kafka"]
    readiness.set("kafka", True)
    assert readiness.ready
    readiness.set("kafka", False, "no broker answers")
    assert readiness.missing() == {"kafka": "no broker answers"}
    assert readiness.has("postgres")
    assert not readiness.has("kafka")
    assert not readiness.has("never named")


async def test_a_probe_that_fails_or_hangs_names_its_dependency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("civiloop_shared.observability.readiness._PROBE_TIMEOUT_S", 0.05)

    async def fine() -> None:
        return

    async def refused() -> None:
        raise ConnectionRefusedError("secret address")

    async def hanging() -> None:
        await asyncio.sleep(60)

    readiness = Readiness()
    readiness.add_probe("a", fine)
    readiness.add_probe("b", refused)
    readiness.add_probe("c", hanging)
    assert await readiness.refresh() == {"b": "ConnectionRefusedError", "c": "no answer in time"}


async def test_many_who_ask_at_once_cost_one_probe() -> None:
    asked = 0

    async def probe() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    readiness = Readiness()
    readiness.add_probe("postgres", probe)
    await asyncio.gather(*(readiness.refresh() for _ in range(50)))
    assert asked == 1


def test_a_draining_or_dead_process_is_not_ready() -> None:
    draining, dead = Readiness(), Readiness()
    draining.drain()
    dead.declare_dead("stuck")
    assert not draining.ready
    assert not dead.ready
    assert dead.missing() == {"process": "stuck"}
