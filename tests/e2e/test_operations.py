"""How a service runs, what people complain of and about which part: from HTTP to the scorecard, end to end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from civiloop_cli.platform import Platform
from tests.support.described import client, eventually
from tests.support.platform import RunningPlatform

pytestmark = pytest.mark.requirement("A1")

SERVICE = "operations-example"
HEAD = """
family: customer_satisfaction
outcome: citizen
aspect: effectiveness
nature: quantitative
goal: Nobody has a reason to complain.
signal: The share goes down.
source: our own
direction: down
minimum_to_show: 1
"""
CATALOGUE = f"""
kind: service
id: {SERVICE}
title: {{en: Operations}}
channels: [web, counter]
segments: {{age: [18-64, 65+]}}
packs: [generic]
kpis: [complaints-of-the-old-on-the-web, about-payment]
promised_days: 10
---
kind: kpi
id: complaints-of-the-old-on-the-web
title: {{en: Complaints of older people on the web}}{HEAD}
where: channel == "web" and segment.age == "65+"
measure: {{kind: proportion, numerator: complaints, denominator: e.completed}}
---
kind: kpi
id: about-payment
title: {{en: Comments about payment}}{HEAD}
measure: {{kind: proportion, numerator: theme.payment.n, denominator: comment.n}}
"""
NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY = {"period_from": (NOW - timedelta(days=2)).isoformat(), "period_to": (NOW - timedelta(days=1)).isoformat()}


def at(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


def value(name: str, kind: str, unit: str, amount: float, **times: str) -> dict[str, Any]:
    times = times or {"occurred_at": at(1)}
    return {"id": f"{name}-{amount}-{times}", "name": name, "kind": kind, "unit": unit, "value": amount, **times}


def samples(name: str, kind: str, unit: str, *pairs: tuple[float, int], number: int = 1) -> dict[str, Any]:
    seen = [{"value": amount, "count": count} for amount, count in pairs]
    return {"id": f"{name}-samples-{number}", "name": name, "kind": kind, "unit": unit, "samples": seen, **YESTERDAY}


MEASUREMENTS = [
    value("watched-seconds", "duration", "s", 43_200, **YESTERDAY),
    value("up-seconds", "duration", "s", 42_768, **YESTERDAY),
    value("requests-satisfied", "count", "requests", 170),
    value("requests-tolerating", "count", "requests", 20),
    value("requests-frustrated", "count", "requests", 10),
    *(value("incident-minutes", "duration", "min", minutes) for minutes in (30, 60, 90)),
    value("changes", "count", "changes", 40),
    value("failed-changes", "count", "changes", 6),
    samples("latency", "timing", "ms", (20, 94), (800, 6)),
    samples("lcp", "timing", "ms", (9_000, 500)),
    *(value("inp", "timing", "ms", ms) for ms in range(101, 141)),
    samples("cls", "score", "1", (0, 70), (0.26, 30)),
]
CORRECTION = samples("lcp", "timing", "ms", (1_200, 70), (2_490, 20), (9_000, 10), number=2)


def journeys() -> list[dict[str, Any]]:
    """80 people, half of them on the web, half of them old: all get what they came for within the hour."""
    return [
        {
            "id": f"{kind}-{number}",
            "journey_id": f"operations-{number}",
            "service": SERVICE,
            "kind": kind,
            "occurred_at": at(hours),
            "channel": "web" if number % 2 else "counter",
            "segments": {"age": "65+" if number % 4 < 2 else "18-64"},
        }
        for number in range(80)
        for kind, hours in (("started", 3), ("fulfilled", 2))
    ]


def feedback() -> list[dict[str, Any]]:
    """Three complaints, one of them of an old person on the web, and two answers with a comment."""
    complaints: list[dict[str, Any]] = [
        {"channel": channel, "kind": "complaint", "segments": {"age": age}}
        for channel, age in (("web", "65+"), ("web", "18-64"), ("counter", "65+"))
    ]
    complaints[0]["comment"] = "The payment by card failed twice and nobody could help me with the payment."
    answers: list[dict[str, Any]] = [
        {"channel": "web", "rating": 5, "comment": "Everybody at the office was very friendly and helpful to me."},
        {"channel": "web", "rating": 2, "comment": "I could not pay, the payment page did not accept my card at all."},
        {"channel": "web", "rating": 4},
    ]
    return [{"id": f"f-{n}", "service": SERVICE, **one} for n, one in enumerate((*complaints, *answers))]


@pytest.fixture(scope="module")
def found(platform: RunningPlatform) -> dict[str, dict[str, Any]]:
    """The results of the live scorecard once all of it has been counted."""
    addresses = platform.addresses
    with client(addresses.engine_url, addresses) as engine:
        told = engine.post(
            "/v1/catalogue/apply",
            json={"files": [{"path": "operations.yaml", "text": CATALOGUE}], "keep_missing": True},
        ).raise_for_status()
    assert {one["computable_from"] for one in told.json()["kpis"]} == {None}
    with client(addresses.collector_url, addresses) as collector:
        _taken(collector, "/v1/measurements", "measurements", [{**one, "service": SERVICE} for one in MEASUREMENTS])
        _taken(collector, "/v1/measurements", "measurements", [{**CORRECTION, "service": SERVICE}])
        _taken(collector, "/v1/journeys", "events", journeys())
    with client(addresses.feedback_url, addresses) as intake:
        _taken(intake, "/v1/feedback/batch", "items", feedback())
    found: dict[str, dict[str, Any]] = eventually(lambda: results(addresses), _all_counted)
    return found


def _taken(to: Any, path: str, name: str, items: list[dict[str, Any]]) -> None:
    eventually(
        lambda: to.post(path, json={name: items}).json(),
        lambda told: told.get("accepted", 0) + told.get("duplicate", 0) == len(items),
    )


def _all_counted(found: dict[str, dict[str, Any]]) -> bool:
    wanted = {"lcp-p75": 100, "inp-p75": 40, "cls-p75": 100, "latency-p95": 100, "complaint-rate": 80, "apdex": 200}
    rest = {"mttr": 3, "change-failure-rate": 40, "within-promise": 80, "about-payment": 3}
    complained = found["complaint-rate"]["numerator"] == 3
    return complained and all(found[kpi]["n"] == n for kpi, n in {**wanted, **rest}.items())


def results(addresses: Platform) -> dict[str, dict[str, Any]]:
    with client(addresses.engine_url, addresses) as engine:
        card = engine.get(f"/v1/services/{SERVICE}/scorecard").raise_for_status().json()
    return {one["kpi"]: one for one in card["results"]}


def test_how_a_service_runs_is_on_its_scorecard(found: dict[str, dict[str, Any]]) -> None:
    values = {kpi: found[kpi]["value"] for kpi in ("availability", "apdex", "change-failure-rate", "within-promise")}
    assert values == {"availability": 99.0, "apdex": 0.9, "change-failure-rate": 15.0, "within-promise": 100.0}
    assert (found["mttr"]["value"], found["mttr"]["unit"]) == (1.0, "hours")
    unwatched = found["availability"]["details"]["unwatched_seconds"]
    assert unwatched > 28 * 86_400  # of thirty days, half a day was watched


def test_quantiles_are_of_the_samples_and_a_correction_takes_the_earlier_ones_out(
    found: dict[str, dict[str, Any]],
) -> None:
    assert found["lcp-p75"]["value"] == pytest.approx(2_490, rel=0.005)
    assert found["latency-p95"]["value"] == pytest.approx(800, rel=0.005)
    assert found["inp-p75"]["value"] == pytest.approx(130.25, rel=0.005)  # numpy.quantile(range(101, 141), 0.75)
    assert found["cls-p75"]["value"] == pytest.approx(0.26, rel=0.005)
    levels = {kpi: found[kpi]["details"]["level"] for kpi in ("lcp-p75", "inp-p75", "cls-p75")}
    assert levels == {"lcp-p75": "good", "inp-p75": "good", "cls-p75": "poor"}
    assert found["lcp-p75"]["interval"]["method"] == "order statistics"


@pytest.mark.requirement("B6")
def test_complaints_are_counted_apart_from_answers_and_for_a_part_of_the_people(
    found: dict[str, dict[str, Any]],
) -> None:
    assert (found["complaint-rate"]["value"], found["complaint-rate"]["n"]) == (3.75, 80)
    part = found["complaints-of-the-old-on-the-web"]
    assert (part["value"], part["numerator"], part["n"]) == (5.0, 1, 20)
    assert found["response-rate"]["numerator"] == 3


def test_the_share_of_comments_on_a_theme_is_a_figure(found: dict[str, dict[str, Any]]) -> None:
    about = found["about-payment"]
    assert (about["numerator"], about["denominator"]) == (2, 3)


def test_the_command_knows_from_when_on_each_can_be_computed(
    platform: RunningPlatform, found: dict[str, dict[str, Any]]
) -> None:
    addresses = platform.addresses
    with client(addresses.engine_url, addresses) as engine:
        needs = engine.get(f"/v1/services/{SERVICE}/needs").raise_for_status().json()
        edited = CATALOGUE.replace("title: {en: Comments about payment}", "title: {en: On payment}")
        files = [{"path": "operations.yaml", "text": edited}]
        planned = engine.post("/v1/catalogue/plan", json={"files": files, "keep_missing": True}).raise_for_status()
    states = {one["kpi"]: one["state"] for one in needs["kpis"]}
    new = ("latency-p95", "lcp-p75", "inp-p75", "cls-p75", "complaint-rate", "complaints-of-the-old-on-the-web")
    assert {states[kpi] for kpi in new} == {"measured"}
    [told] = planned.json()["kpis"]
    assert (told["kpi"], told["service"], told["state"]) == ("about-payment", SERVICE, "measured")
    assert told["computable_from"] is not None
