"""API keys: made, shown once, revoked everywhere, recovered."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from civiloop_shared.catalogue import CatalogueFollower
from civiloop_shared.errors import UnauthorisedError
from tests.support.engine import SERVICE, Client, Engine, until


async def made(client: Client, **order: object) -> dict[str, str]:
    answer = await client.call("POST", "/v1/keys", {"label": "portal", "scopes": ["read"], **order})
    assert answer.status_code == 201, answer.text
    key: dict[str, str] = answer.json()
    return key


async def status(client: Client, key: str) -> int:
    return (await client.call("GET", "/v1/kpis", key=key)).status_code


async def test_a_key_is_shown_once_and_listed_without_its_secret(engine: Engine) -> None:
    async with engine.running() as client:
        key = await made(client, scopes=["read", "feedback:write"])
        assert await status(client, key["key"]) == 200
        answer = await client.call("GET", "/v1/keys")
        listed = {one["id"]: one for one in answer.json()["keys"]}
    secret = key["key"].rpartition("_")[2]
    assert secret not in answer.text
    assert "sha256" not in answer.text
    assert listed[key["id"]]["scopes"] == ["feedback:write", "read"]
    assert listed[key["id"]]["last_used_at"].endswith(":00Z")
    assert listed[engine.first.id]["label"] == "first admin"


async def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_2_s(engine: Engine) -> None:
    async with engine.running() as client, engine.running() as replica:
        key = await made(client)
        await until(lambda: _answers(replica, key["key"], 200), 2.0)
        follower = CatalogueFollower(engine.infra.bootstrap_servers, topic_prefix=engine.prefix)
        await follower.start(wait_s=10.0)
        try:
            await until(lambda: _known(follower, key["key"]))
            assert (await client.call("DELETE", f"/v1/keys/{key['id']}")).status_code == 204
            assert await status(client, key["key"]) == 401
            await until(lambda: _answers(replica, key["key"], 401), 2.0)
            await until(lambda: _unknown(follower, key["key"]), 2.0)
        finally:
            await follower.stop()
        assert (await client.call("DELETE", f"/v1/keys/{key['id']}")).status_code == 404


async def test_an_admin_key_can_not_be_limited_and_a_browser_key_only_writes(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        orders: tuple[dict[str, Any], ...] = (
            {"scopes": ["admin"], "services": ["parking"]},
            {"scopes": ["read"], "kind": "browser"},
            {"scopes": []},
            {"scopes": ["everything"]},
            {"scopes": ["read"], "label": ""},
        )
        for order in orders:
            answer = await client.call("POST", "/v1/keys", {"label": "portal", **order})
            assert answer.status_code == 422, order
        browser = await made(client, scopes=["feedback:write"], kind="browser")
        assert await status(client, browser["key"]) == 403


async def test_keys_are_made_and_listed_by_admins_of_the_body_only(engine: Engine) -> None:
    async with engine.running() as client:
        steward = (await made(client, scopes=["steward"]))["key"]
        other = (await made(client, scopes=["admin"], body="other"))["key"]
        assert (await client.call("GET", "/v1/keys", key=steward)).status_code == 403
        seen = (await client.call("GET", "/v1/keys", key=other)).json()["keys"]
        assert [one["body"] for one in seen] == ["other"]
        assert (await client.call("DELETE", f"/v1/keys/{engine.first.id}", key=other)).status_code == 404
        foreign = {"label": "x", "scopes": ["read"], "body": "local"}
        assert (await client.call("POST", "/v1/keys", foreign, key=other)).status_code == 403


async def test_a_lost_admin_key_is_replaced_from_the_command_line(engine: Engine) -> None:
    async with engine.running() as client:
        env = {**os.environ, "DATABASE_URL": engine.database.evaluation}
        command = [sys.executable, "-m", "evaluation_engine", "recover-admin-key"]
        done = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, text=True, check=True)
        printed = json.loads(done.stdout)
        assert printed["body"] == "local"
        await until(lambda: _answers(client, printed["key"], 200), 2.0)
        assert (await client.call("GET", "/v1/keys", key=printed["key"])).status_code == 200


async def test_the_first_key_survives_a_restart_and_stays_revoked(engine: Engine) -> None:
    async with engine.running() as client:
        second = (await made(client, scopes=["admin"]))["key"]
        await client.call("DELETE", f"/v1/keys/{engine.first.id}")
    async with engine.running() as client:
        assert await status(client, engine.first.text) == 401
        assert await status(client, second) == 200


async def _answers(client: Client, key: str, code: int) -> bool:
    return await status(client, key) == code


async def _known(follower: CatalogueFollower, key: str) -> bool:
    return not await _unknown(follower, key)


async def _unknown(follower: CatalogueFollower, key: str) -> bool:
    try:
        follower.keys.authenticate(key)
    except UnauthorisedError:
        return True
    return False
