"""Applying a catalogue over HTTP: faults with lines, differences, all or nothing, versions, the topic."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from civiloop_shared.catalogue import CatalogueFollower
from civiloop_shared.contracts.topics import CATALOGUE
from civiloop_shared.kafka.topics import ensure_topics
from tests.support.engine import SERVICE, Client, Engine, until

TARGET = """
kind: target
id: csat-80
service: parking
kpi: csat
at_least: 80
origin: Council decision 12
"""


def files(*texts: str) -> dict[str, Any]:
    return {"files": [{"path": f"{n}.yaml", "text": text} for n, text in enumerate(texts)]}


async def documents(client: Client) -> dict[tuple[str, str], Any]:
    shown = await client.get("/v1/catalogue")
    return {(one["kind"], one["id"]): one for one in shown["documents"]}


@pytest.mark.requirement("A1")
async def test_every_fault_is_told_with_its_line_and_nothing_is_applied(engine: Engine) -> None:
    bad = TARGET.replace("csat\n", "csatt\n").replace("at_least", "at_leest")
    async with engine.running() as client:
        plan = await client.call("POST", "/v1/catalogue/plan", files(SERVICE, bad))
        refused = await client.call("POST", "/v1/catalogue/apply", files(SERVICE, bad))
        shown = await client.get("/v1/catalogue")
    assert plan.status_code == 422
    assert plan.json()["errors"] == refused.json()["errors"]
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "catalogue-refused"
    assert refused.json()["errors"] == [
        {"field": "1.yaml:5: kpi", "reason": "unknown KPI; did you mean csat?"},
        {"field": "1.yaml:6: at_leest", "reason": "unknown field; did you mean at_least?"},
    ]
    assert shown["version"] == 0
    assert shown["documents"] == []
    assert not await engine.query("SELECT * FROM evaluation.service")


async def test_what_an_apply_changes_is_shown_first_and_then_done(engine: Engine) -> None:
    async with engine.running() as client:
        first = await client.apply(SERVICE, TARGET)
        changed = SERVICE.replace("steps: [apply, pay]", "steps: [apply, upload, pay]")
        plan = (await client.call("POST", "/v1/catalogue/plan", files(changed))).json()
        second = await client.apply(changed)
        versions = (await client.get("/v1/catalogue"))["versions"]
        kept = await documents(client)
    assert (first["version"], second["version"]) == (1, 2)
    assert {(c["kind"], c["id"], c["change"]) for c in first["changes"]} == {
        ("body", "local", "added"),
        ("service", "parking", "added"),
        ("target", "csat-80", "added"),
    }
    assert plan["changes"] == second["changes"]
    assert plan["changes"] == [
        {
            "kind": "service",
            "id": "parking",
            "change": "changed",
            "fields": [{"field": "steps", "before": ["apply", "pay"], "after": ["apply", "upload", "pay"]}],
        },
        {"kind": "target", "id": "csat-80", "change": "removed", "fields": []},
    ]
    assert [version["version"] for version in versions] == [2, 1]
    assert versions[0]["applied_by"] == engine.first.id
    assert set(kept) == {("body", "local"), ("service", "parking")}


async def test_applying_the_same_again_makes_no_version(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        again = await client.apply(SERVICE)
    assert (again["version"], again["applied"], again["changes"]) == (1, False, [])
    assert len(await engine.query("SELECT * FROM evaluation.catalogue_version")) == 1


async def test_documents_elsewhere_stay_when_they_are_to_be_kept(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        await client.apply(TARGET, keep_missing=True)
        kept = await documents(client)
    assert set(kept) == {("body", "local"), ("service", "parking"), ("target", "csat-80")}


async def test_of_two_applies_at_once_one_is_told_to_plan_again(engine: Engine) -> None:
    async with engine.running() as client:
        texts = [SERVICE.replace("Parking permit", f"Parking {n}") for n in range(4)]
        order = [files(text) | {"expected_version": 0} for text in texts]
        answers = await asyncio.gather(*(client.call("POST", "/v1/catalogue/apply", one) for one in order))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await engine.query("SELECT * FROM evaluation.catalogue_version")) == 1


async def test_ingest_services_get_to_know_all_by_the_topic(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        follower = CatalogueFollower(engine.infra.bootstrap_servers, topic_prefix=engine.prefix)
        await engine.relayed()
        await follower.start(wait_s=10.0)
        try:
            service = follower.service("parking")
            assert service is not None
            assert (service.body, service.version, service.zone) == ("local", 1, "Europe/Athens")
            assert follower.keys.authenticate(engine.first.text).body == "local"
            body = follower.body("local")
            assert body is not None
            assert body.title == {"en": "Municipality"}
            await client.apply(SERVICE.replace("steps: [apply, pay]", "steps: [apply]"))
            await until(lambda: _is(lambda: follower.service("parking").version == 2))  # type: ignore[union-attr]
        finally:
            await follower.stop()


async def test_a_kafka_that_is_new_gets_the_whole_catalogue_again(engine: Engine) -> None:
    other = SERVICE.split("---")[1].replace("parking", "bicycle")
    async with engine.running() as client:
        await client.apply(SERVICE, other)
        await client.apply(SERVICE)
        revoked = (await client.call("POST", "/v1/keys", {"label": "x", "scopes": ["read"]})).json()["id"]
        await client.call("DELETE", f"/v1/keys/{revoked}")
        await engine.relayed()
    new = dataclasses.replace(engine, prefix=f"{engine.prefix}new.")
    await ensure_topics(new.infra.bootstrap_servers, new.prefix)
    command = [sys.executable, "-m", "evaluation_engine", "publish-catalogue"]
    env = {**os.environ, "DATABASE_URL": engine.database.evaluation}
    await asyncio.to_thread(subprocess.run, command, env=env, check=True, capture_output=True)
    async with new.running():
        await new.relayed()
    before, after = await engine.topic(CATALOGUE.name), await new.topic(CATALOGUE.name)
    assert {key: _content(values[-1]) for key, values in before.items()} == {
        key: _content(values[-1]) for key, values in after.items()
    }
    assert after[f"key/{revoked}".encode()] == [None]


@pytest.mark.requirement("A4")
async def test_a_service_that_is_left_out_is_retired_and_can_come_back(engine: Engine) -> None:
    other = SERVICE.split("---")[1].replace("parking", "bicycle")
    async with engine.running() as client:
        await client.apply(SERVICE, other)
        plan = await client.apply(SERVICE)
        retired = {row["id"]: row["retired_at"] for row in await engine.query("SELECT * FROM evaluation.service")}
        shown = {row["id"]: row["retired"] for row in await engine.query("SELECT * FROM reporting_v1.service")}
        await client.apply(SERVICE, other)
        await engine.relayed()
    assert ("bicycle", "retired") in {(change["id"], change["change"]) for change in plan["changes"]}
    assert retired["bicycle"] is not None
    assert retired["parking"] is None
    assert shown == {"bicycle": True, "parking": False}
    values = (await engine.topic(CATALOGUE.name))[b"service/bicycle"]
    assert values[-2] is None
    assert json.loads(values[-1] or b"")["data"]["version"] == 2


async def test_a_service_id_belongs_to_one_body_of_the_installation(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        order = {"label": "other", "scopes": ["steward"], "body": "other"}
        other = (await client.call("POST", "/v1/keys", order)).json()["key"]
        text = SERVICE.split("---")[1]
        refused = await client.call("POST", "/v1/catalogue/apply", files(text), key=other)
        taken = await client.call("POST", "/v1/catalogue/apply", files(text.replace("parking", "boats")), key=other)
        empty = await client.call("GET", "/v1/services/parking/scorecard", key=other)
    assert refused.status_code == 422
    assert "another body" in refused.text
    assert taken.status_code == 200
    assert empty.status_code == 404


async def test_the_catalogue_needs_a_steward_of_the_whole_body(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        reader = await _key(client, ["read"])
        limited = await _key(client, ["steward"], services=["parking"])
        for key in (reader, limited):
            answer = await client.call("POST", "/v1/catalogue/apply", files(SERVICE), key=key)
            assert answer.status_code == 403
        assert (await client.call("GET", "/v1/catalogue", key=reader)).status_code == 200


@pytest.mark.requirement("A6")
async def test_every_kpi_says_its_formula_source_and_what_it_needs(engine: Engine) -> None:
    async with engine.running() as client:
        kpis = {one["id"]: one for one in (await client.get("/v1/kpis"))["kpis"]}
    assert kpis["csat"]["needs"] == [{"name": "rating", "source": "feedback", "fields": "feedback.rating (1 to 5)"}]
    assert kpis["csat"]["interval"] == "wilson"
    assert kpis["nps"]["unit"] == "points"
    assert all(one["formula"] and one["source"] and one["goal"] for one in kpis.values())


async def _key(client: Client, scopes: list[str], **more: Any) -> str:
    made = await client.call("POST", "/v1/keys", {"label": "a key", "scopes": scopes, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


def _content(value: bytes | None) -> Any:
    """The payload; lists that come from sets have no order."""
    data = json.loads(value)["data"] if value else {}
    return {name: sorted(one) if isinstance(one, list) else one for name, one in data.items()}


async def _is(holds: Any) -> bool:
    return bool(holds())
