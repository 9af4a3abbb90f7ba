"""Checking a catalogue: every fault of every file, with file, line, field and reason."""

from __future__ import annotations

from textwrap import dedent

import pytest

from evaluation_engine.service.catalogue.checking import Checked, Known, check_files
from evaluation_engine.service.catalogue.reading import SourceFile

KNOWN = Known("local", {"csat": "up", "nps": "up", "abandonment": "down"}, frozenset({"taken"}))

SERVICE = """
kind: service
id: parking-permit
title: {en: Parking permit}
zone: Europe/Athens
languages: [en]
channels: [web, phone]
digital_channels: [web]
steps: [apply, pay]
segments:
  age: [18-25, 65+]
kpis: [csat, abandonment]
"""


def check(*texts: str) -> Checked:
    files = [SourceFile(f"{index}.yaml", dedent(text).lstrip()) for index, text in enumerate(texts)]
    return check_files(files, KNOWN)


def faults(*texts: str) -> list[tuple[str, int, str, str]]:
    return [(f.file, f.line, f.field, f.reason) for f in check(*texts).errors]


def warnings(*texts: str) -> list[tuple[int, str, str]]:
    return [(f.line, f.field, f.reason) for f in check(*texts).faults if f.severity == "warning"]


def benchmark(criterion: str, rest: str = "") -> str:
    return f"""
kind: benchmark
id: rebuild
services: [parking-permit]
title: {{en: When to rebuild}}
source: our own
{rest}
criteria:
  - id: sat
    kpi: csat
    source: our own
    critical: true
{criterion}
"""


@pytest.mark.requirement("A1")
def test_a_good_catalogue_has_no_fault() -> None:
    checked = check(SERVICE, benchmark("    redesign: {breach_below: 70, clear_when: 75}"))
    assert not checked.faults
    assert set(checked.documents) == {("service", "parking-permit"), ("benchmark", "rebuild")}


def test_all_faults_of_all_files_are_listed_at_once() -> None:
    found = faults(
        SERVICE.replace("Europe/Athens", "Europe/Atlantis").replace("zone", "zone"),
        """
        kind: target
        id: t1
        service: parking-permitt
        kpi: csatt
        at_least: 80
        """,
        "kind: servize\nid: x\n",
        SERVICE.replace("silence", "").replace("title:", "titel:"),
    )
    assert ("1.yaml", 1, "origin", "is missing") in found
    assert ("2.yaml", 1, "kind", "must be one of body, service, kpi, goal, target, benchmark") in found
    assert ("3.yaml", 3, "titel", "unknown field; did you mean title?") in found
    assert ("3.yaml", 1, "title", "is missing") in found
    assert any(f[:3] == ("0.yaml", 4, "zone") and "IANA" in f[3] for f in found)


def test_a_document_with_a_fault_is_there_all_the_same_for_those_that_name_it() -> None:
    text = "kind: target\nid: t1\nservice: parking-permit\nkpi: csatt\nat_leest: 80\norigin: we\n"
    assert [(f[0], f[2]) for f in faults(SERVICE.replace("Athens", "Atlantis"), text)] == [
        ("0.yaml", "zone"),
        ("1.yaml", "kpi"),
        ("1.yaml", "at_leest"),
    ]


@pytest.mark.requirement("A6")
def test_references_are_checked_with_a_guess() -> None:
    found = faults(SERVICE, "kind: target\nid: t1\nservice: parking-permitt\nkpi: csatt\nat_least: 80\norigin: we\n")
    assert ("1.yaml", 3, "service", "unknown service; did you mean parking-permit?") in found
    assert ("1.yaml", 4, "kpi", "unknown KPI; did you mean csat?") in found


def test_a_target_needs_one_comparison() -> None:
    text = "kind: target\nid: t1\nservice: parking-permit\nkpi: csat\norigin: we\n"
    assert faults(SERVICE, text) == [("1.yaml", 1, "(document)", "give either at_least or at_most")]


def test_a_kpi_that_the_service_does_not_use_is_refused() -> None:
    text = "kind: target\nid: t1\nservice: parking-permit\nkpi: nps\nat_least: 8\norigin: we\n"
    assert faults(SERVICE, text) == [("1.yaml", 4, "kpi", "this KPI is not among the KPIs in use of parking-permit")]


def test_a_scope_must_be_of_the_service() -> None:
    text = """
    kind: target
    id: t1
    service: parking-permit
    kpi: csat
    at_least: 80
    origin: we
    scope:
      channel: kiosk
      segment: {age: 26-64}
    """
    assert [(line, field) for _, line, field, _ in faults(SERVICE, text)] == [
        (8, "scope.channel"),
        (9, "scope.segment.age"),
    ]


def test_a_scope_of_two_dimensions_beside_the_channel_is_not_kept() -> None:
    text = """
    kind: target
    id: t1
    service: parking-permit
    kpi: csat
    at_least: 80
    origin: we
    scope: {step: pay, language: en}
    """
    assert [(line, field) for _, line, field, _ in faults(SERVICE, text)] == [(7, "scope")]


@pytest.mark.requirement("A5")
def test_a_goal_without_kpi_is_a_warning() -> None:
    text = "kind: goal\nid: g1\nservice: parking-permit\noutcome: citizen\nstatement: {en: Easy}\n"
    assert not faults(SERVICE, text)
    assert warnings(SERVICE, text) == [
        (1, "(document)", "no KPI measures this goal; nobody will see whether it is reached")
    ]


@pytest.mark.requirement("E5.3.4")
@pytest.mark.parametrize(
    ("criterion", "line", "field"),
    [
        ("    redesign: {breach_below: 70, clear_when: 65}", 12, "criteria.0.redesign.clear_when"),
        ("    redesign: {breach_above: 70}", 12, "criteria.0.redesign"),
        ("    redesign: {breach_below: 70}\n    goal: 60", 13, "criteria.0.goal"),
        ("    redesign: {breach_below: 50}\n    reimplement: {breach_below: 60}", 13, "criteria.0.reimplement"),
        ("    redesign: {breach_below: 0}", 12, "criteria.0.redesign"),
        ("    redesign: {breach_below: 90, clear_when: 101}", 12, "criteria.0.redesign.clear_when"),
        ("    weight: 2", 8, "criteria.0"),
        ("    redesign: {breach_below: .nan}", 12, "criteria.0.redesign.breach_below"),
        ("    redesign: {breach_below: 70}\n    for: -1", 13, "criteria.0.for"),
        ("    redesign: {breach_below: 70}\n    min_sampl: 5", 13, "criteria.0.min_sampl"),
    ],
)
def test_a_benchmark_that_makes_no_sense_is_refused(criterion: str, line: int, field: str) -> None:
    text = benchmark(criterion).replace("source: our own\n\n", "source: our own\n")
    assert [(f[1], f[2]) for f in faults(SERVICE, text)] == [(line - 1, field)]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("redesign_when: {rule: k_of_n, k: 2}", "only 1 criteria have this level: this can never fire"),
        ("reimplement_when: {rule: any}", "no criterion has the level reimplement"),
        ("redesign_when: {rule: k_of_n}", "k belongs to k_of_n, and k_of_n needs it"),
        ("approved_by: The board", "approved_by and approved_on go together"),
    ],
)
def test_a_combination_that_can_never_fire_is_refused(rest: str, reason: str) -> None:
    assert [f[3] for f in faults(SERVICE, benchmark("    redesign: {breach_below: 70}", rest))] == [reason]


def test_no_critical_criterion_can_never_fire() -> None:
    text = benchmark("    redesign: {breach_below: 70}").replace("critical: true", "critical: false")
    assert [f[2] for f in faults(SERVICE, text)] == ["redesign_when"]


def test_the_body_comes_from_the_key() -> None:
    found = faults(
        "kind: body\nid: other\ntitle: {en: Other}\n",
        SERVICE + "body: other\n",
        SERVICE.replace("parking-permit", "taken"),
    )
    assert [(f[0], f[2]) for f in found] == [("0.yaml", "id"), ("1.yaml", "body"), ("2.yaml", "id")]


def test_a_document_that_stands_twice_names_the_other_place() -> None:
    assert faults(SERVICE, SERVICE) == [("1.yaml", 2, "id", "this service stands already at 0.yaml:2")]


def test_a_channel_that_is_digital_must_be_a_channel() -> None:
    assert [f[2] for f in faults(SERVICE.replace("digital_channels: [web]", "digital_channels: [app]"))] == [
        "digital_channels.0"
    ]
