"""What Prometheus gets from a running platform, and whether rules and dashboards find it there."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from civiloop_cli.platform import Platform
from tests.support.described import client, describe, eventually
from tests.support.metric_names import made_names, names_of, read_names
from tests.support.platform import RunningPlatform
from tests.support.tools import ROOT, run

SERVICE = "metrics-example"
PARTS = ("feedback-api", "metrics-collector", "evaluation-engine", "engine-worker", "reporting")


@pytest.fixture(scope="module")
def addresses(platform: RunningPlatform) -> Platform:
    """A platform on which something has happened."""
    found = platform.addresses
    describe(found, SERVICE)
    item = {"id": "metrics-1", "service": SERVICE, "channel": "web", "rating": 3}
    event = {
        "id": "metrics-1",
        "service": SERVICE,
        "journey_id": "metrics-1",
        "kind": "started",
        "channel": "web",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    with client(found.feedback_url, found) as feedback, client(found.collector_url, found) as collector:
        eventually(lambda: feedback.post("/v1/feedback", json=item).status_code, lambda status: status == 202)
        eventually(
            lambda: collector.post("/v1/journeys", json={"events": [event]}).json().get("accepted"), lambda n: n == 1
        )
    eventually(lambda: exposed(found)["evaluation-engine"], lambda text: f'service="{SERVICE}"' in text)
    return found


def exposed(addresses: Platform) -> dict[str, str]:
    urls = (
        addresses.feedback_url,
        addresses.collector_url,
        addresses.engine_url,
        addresses.worker_url,
        addresses.reporting_url,
    )
    answers = [httpx.get(f"{url}/metrics", trust_env=False).raise_for_status() for url in urls]
    return dict(zip(PARTS, (answer.text for answer in answers), strict=True))


@pytest.mark.requirement("U4")
@pytest.mark.parametrize("part", PARTS)
def test_prometheus_finds_no_fault_in_what_a_part_exposes(addresses: Platform, part: str) -> None:
    done = run("promtool", "check", "metrics", given=exposed(addresses)[part])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.requirement("U4")
def test_rules_and_dashboards_read_what_the_parts_expose(addresses: Platform) -> None:
    families = [family for text in exposed(addresses).values() for family in text_string_to_metric_families(text)]
    groups = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    known = names_of(families) | {rule["record"] for rule in rules if "record" in rule} | {"up"}
    dashboards = [json.loads(path.read_text()) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")]
    panels = [panel for dashboard in dashboards for panel in dashboard["panels"]]
    queries = [rule["expr"] for rule in rules] + [one["expr"] for panel in panels for one in panel.get("targets", ())]

    assert {query: names for query in queries if (names := read_names(query) - known)} == {}


def test_the_names_that_unit_tests_take_from_the_code_are_the_exposed_ones(addresses: Platform) -> None:
    families = [family for text in exposed(addresses).values() for family in text_string_to_metric_families(text)]
    ours = {name for name in names_of(families) if name.startswith("civiloop_")}

    assert {name for name in ours if not name.endswith("_created")} == {
        name for name in made_names() if name.startswith("civiloop_")
    }


def test_labels_name_services_and_routes_and_nothing_that_people_sent(addresses: Platform) -> None:
    allowed = {
        "benchmark",
        "code",
        "dependency",
        "kind",
        "kpi",
        "le",
        "method",
        "outcome",
        "partition",
        "reason",
        "route",
        "service",
        "status",
        "target",
        "topic",
        "verdict",
    }
    samples = [
        sample
        for text in exposed(addresses).values()
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name.startswith("civiloop_")
    ]

    assert {label for sample in samples for label in sample.labels} <= allowed
    assert all("metrics-1" not in sample.labels.values() for sample in samples)


def test_every_part_says_that_it_is_ready(addresses: Platform) -> None:
    for part, text in exposed(addresses).items():
        assert "\nciviloop_ready 1.0" in text, part
