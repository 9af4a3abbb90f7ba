"""What those who run the platform do by command: webhooks, partitions that stand still."""

from __future__ import annotations

import asyncio
import json
import re
import time

import asyncpg
import httpx
import pytest
from typer.testing import CliRunner

from civiloop_cli.app import app
from civiloop_shared.contracts.topics import JOURNEYS
from tests.support.platform import RunningPlatform

HOOK = "https://hooks.invalid/civiloop"


class Commands:
    """`civiloop` against the platform, with the key of its admin unless another is given."""

    def __init__(self, platform: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
        self.platform = platform
        monkeypatch.setenv("CIVILOOP_ENGINE_URL", platform.addresses.engine_url)
        monkeypatch.setenv("CIVILOOP_KEY", platform.addresses.admin_key)
        monkeypatch.setenv("COLUMNS", "250")

    def __call__(self, *arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done.exit_code, done.output

    def database(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.platform.database.admin)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                await connection.close()

        return asyncio.run(run())


@pytest.fixture
def civiloop(platform: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(platform, monkeypatch)


def test_a_webhook_is_added_tested_rotated_and_removed(civiloop: Commands) -> None:
    code, made = civiloop("webhooks", "add", HOOK, "-e", "problem.opened", "-e", "evaluation.recorded")
    assert code == 0, made
    identity, secret = re.findall(r"wh_[0-9a-f]{20}|whsec_\S+", made)

    code, listed = civiloop("webhooks", "list")
    assert code == 0
    assert identity in listed
    assert HOOK in listed
    assert secret not in listed

    code, tested = civiloop("webhooks", "test", identity)
    assert code == 1
    assert "not delivered" in tested
    assert civiloop("webhooks", "deliveries", identity, "--json") == (0, "[]\n")

    code, rotated = civiloop("webhooks", "rotate", identity)
    assert code == 0
    assert re.findall(r"whsec_\S+", rotated) not in ([], [secret])

    assert civiloop("webhooks", "enable", identity)[0] == 0
    assert civiloop("webhooks", "remove", identity)[0] == 0
    code, again = civiloop("webhooks", "remove", identity, "--json")
    assert (code, json.loads(again)["error"]["code"]) == (1, "refused")


def test_a_webhook_for_what_nobody_can_subscribe_to_is_refused(civiloop: Commands) -> None:
    code, told = civiloop("webhooks", "add", HOOK, "-e", "webhook.test")
    assert code == 1
    assert "events" in told


def test_a_partition_that_stands_still_is_shown_and_goes_on_by_command(civiloop: Commands) -> None:
    topic, partition = JOURNEYS.name, 7
    civiloop.database(
        "UPDATE evaluation.sink_position SET stopped = 'a reason', epoch = epoch + 1"
        " WHERE topic = $1 AND partition = $2",
        topic,
        partition,
    )
    assert "a reason" in civiloop("partitions", "list")[1]

    code, told = civiloop("partitions", "release", topic, str(partition), "--dry-run")
    assert (code, "would go on" in told) == (0, True)
    assert civiloop.database("SELECT FROM evaluation.partition_release") == []
    assert civiloop("partitions", "release", topic)[0] == 1, "neither a number nor --all"
    assert civiloop("partitions", "release", topic, str(partition))[0] == 0
    assert "nothing of that" in civiloop("partitions", "release", topic, "--all")[1]

    _claim_anew(civiloop.platform)
    code, listed = civiloop("partitions", "list", "--json")
    (order,) = json.loads(listed)["releases"]
    assert json.loads(listed)["stopped"] == []
    assert (order["partition"], order["reason"]) == (partition, "a reason")
    assert order["released_at"] is not None


def test_partitions_are_no_business_of_a_key_that_may_not_administer(
    civiloop: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = civiloop("keys", "create", "--scope", "steward", "--label", "a steward")[1].strip()
    monkeypatch.setenv("CIVILOOP_KEY", key)
    assert civiloop("partitions", "list")[0] == 1
    assert civiloop("partitions", "release", JOURNEYS.name, "--all")[0] == 1


def _claim_anew(platform: RunningPlatform) -> None:
    """A worker that starts claims every partition, and carries out what was ordered."""
    platform.stop("engine-worker")
    platform.start("engine-worker")
    until = time.monotonic() + 60
    while 'released_at":null' in _releases(platform):
        assert time.monotonic() < until
        time.sleep(0.2)


def _releases(platform: RunningPlatform) -> str:
    addresses = platform.addresses
    headers = {"Authorization": f"Bearer {addresses.admin_key}"}
    return httpx.get(f"{addresses.engine_url}/v1/partitions/stopped", headers=headers, timeout=5, trust_env=False).text
