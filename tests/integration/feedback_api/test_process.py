"""The process itself: its commands, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import httpx

from civiloop_cli.runtime.ports import Ports
from tests.integration.feedback_api.conftest import Api, World


def environment(world: World, port: int = 8601) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": world.feedback_url,
        "KAFKA_BOOTSTRAP_SERVERS": world.infra.bootstrap_servers,
        "CIVILOOP_TOPIC_PREFIX": world.prefix,
        "CIVILOOP_CONTACT_KEY": "A" * 43,
        "CIVILOOP_RECEIPT_SECRET": "r" * 32,
        "CIVILOOP_PORT": str(port),
    }


def run(world: World, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "feedback_api", *arguments],
        env={**environment(world), **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_migrating_again_changes_nothing_and_settings_are_checked(world: World) -> None:
    assert "schema feedback is at" in run(world, "migrate").stdout
    assert run(world, "--check").returncode == 0
    refused = run(world, "--check", CIVILOOP_RECEIPT_SECRET="short", CIVILOOP_CONTACT_KEY="")
    assert refused.returncode == 2
    assert "CIVILOOP_RECEIPT_SECRET" in refused.stderr
    assert "CIVILOOP_CONTACT_KEY" in refused.stderr
    assert "short" not in refused.stderr.replace("shorter", "")


async def test_a_stop_under_load_drains_what_it_has_acknowledged(world: World) -> None:
    port = Ports.free()["feedback-api"]
    process = subprocess.Popen(
        [sys.executable, "-m", "feedback_api"], env=environment(world, port), stderr=subprocess.DEVNULL
    )
    acknowledged: set[str] = set()
    statuses: set[int] = set()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            api = Api(client, world.keys)
            await _listening(api)

            async def give(number: int) -> None:
                try:
                    answer = await api.submit(id=f"f{number}")
                except httpx.TransportError:
                    return
                statuses.add(answer.status_code)
                if answer.status_code == 202:
                    acknowledged.add(f"f{number}")

            async def many(first: int) -> None:
                for number in range(first, first + 100):
                    await give(number)

            load = asyncio.gather(*(many(1000 * client_number) for client_number in range(8)))
            while len(acknowledged) < 50:
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            await load
        assert await asyncio.to_thread(process.wait, 30) == 0
    finally:
        process.kill()
        process.wait()
    assert statuses <= {202, 503}
    [row] = await world.query("SELECT count(*) FROM feedback.feedback")
    assert row[0] >= len(acknowledged) >= 50
    waiting = await world.query("SELECT convert_from(value, 'UTF8')::jsonb ->> 'id' FROM feedback.outbox")
    sent = {event.id for event in await world.published()}
    assert acknowledged <= sent | {row[0] for row in waiting}


async def _listening(api: Api) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await api.ready()
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
