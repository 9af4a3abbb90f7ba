"""The same feedback answers several governments' definitions and a KPI of the body's own, end to end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from civiloop_cli.app import app
from civiloop_cli.platform import Platform
from tests.support.described import client, eventually
from tests.support.platform import RunningPlatform

SERVICE = "packs-example"
CATALOGUE = f"""
kind: service
id: {SERVICE}
title: {{en: Packs}}
channels: [web, counter]
packs: [govuk, jdma, a11, gc, generic]
kpis: [mood]
questions:
  - {{id: mood, kind: scale, min: 1, max: 5, title: {{en: Mood}}}}
---
kind: kpi
id: mood
title: {{en: Mood}}
family: customer_satisfaction
outcome: citizen
aspect: effectiveness
nature: qualitative
goal: People leave in a good mood.
signal: The mean mood goes up.
source: our own
direction: up
unit: of 5
scale: [1, 5]
measure: {{kind: mean, of: q.mood}}
"""


def item(number: int) -> dict[str, Any]:
    """120 people: every third is content; every second was offered a driver that only exists at the counter."""
    good, counter = number % 3 == 0, number % 2 == 0
    return {
        "id": f"packs-{number}",
        "service": SERVICE,
        "channel": "counter" if counter else "web",
        "rating": 5 if good else 2,
        "answers": {
            "jdma-satisfaction": "good" if good else "medium",
            "a11-trust": "up",
            "a11-liked": ["humanity"] if counter and good else [],
            "gc-task": ("yes", "no", "before-finishing")[number % 3],
            "umux-lite-capable": 6,
            "umux-lite-easy": 6,
            "mood": 4,
        },
        **({} if counter else {"offered": {"a11-liked": ["ease", "efficiency"]}}),
    }


@pytest.fixture(scope="module")
def addresses(platform: RunningPlatform) -> Platform:
    found = platform.addresses
    files = [{"path": "packs.yaml", "text": CATALOGUE}]
    with client(found.engine_url, found) as engine:
        engine.post("/v1/catalogue/apply", json={"files": files, "keep_missing": True}).raise_for_status()
    batch = {"items": [item(number) for number in range(120)]}
    with client(found.feedback_url, found) as feedback:
        eventually(
            lambda: feedback.post("/v1/feedback/batch", json=batch).json(),
            lambda told: told.get("accepted", 0) + told.get("duplicate", 0) == 120,
        )
    return found


def results(addresses: Platform) -> dict[str, dict[str, Any]]:
    with client(addresses.engine_url, addresses) as engine:
        card = engine.get(f"/v1/services/{SERVICE}/scorecard").raise_for_status().json()
    return {one["kpi"]: one for one in card["results"]}


@pytest.mark.requirement("A1")
def test_one_set_of_answers_gives_the_figures_of_all_packs(addresses: Platform) -> None:
    found = eventually(lambda: results(addresses), lambda one: one["mood"]["n"] == 120)
    values = {kpi: (found[kpi]["value"], found[kpi]["n"]) for kpi in found if found[kpi]["state"] == "ok"}
    assert values == {
        "govuk-user-satisfaction": (50.0, 120),  # (40 · 100 + 80 · 25) / 120
        "jdma-satisfaction": (pytest.approx(800 / 120), 120),  # (40 · 10 + 80 · 5) / 120
        "a11-trust": (100.0, 120),
        "a11-liked-ease": (0.0, 120),
        "a11-liked-efficiency": (0.0, 120),
        "a11-liked-effectiveness": (0.0, 60),
        "a11-liked-transparency": (0.0, 60),
        "a11-liked-humanity": (pytest.approx(100 / 3), 60),
        "gc-task-success": (50.0, 80),
        "umux-lite": (pytest.approx(77.0667, abs=1e-4), 120),
        "mood": (4.0, 120),
    }
    assert found["jdma-satisfaction"]["details"] == {"published": "6.7", "level": "medium"}
    assert found["gc-ease"]["state"] == "not_measured"


@pytest.mark.requirement("A6")
def test_the_command_says_what_arrives_and_what_never_did(addresses: Platform) -> None:
    eventually(lambda: results(addresses), lambda one: one["mood"]["n"] == 120)
    told = ["--url", addresses.engine_url, "--key", addresses.admin_key, "--json"]
    made = CliRunner().invoke(app, ["kpi", "needs", SERVICE, *told])
    assert made.exit_code == 0, made.output
    states = {one["kpi"]: one["state"] for one in json.loads(made.stdout)["kpis"]}
    assert (states["mood"], states["gc-ease"], states["availability"]) == ("measured", "not_measured", "not_measured")
    listed = CliRunner().invoke(app, ["kpi", "list", "--pack", "jdma", *told])
    assert {one["pack"] for one in json.loads(listed.stdout)["kpis"]} == {"jdma"}
