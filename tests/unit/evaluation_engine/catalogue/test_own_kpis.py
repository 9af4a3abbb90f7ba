"""KPIs of a body's own: checked with all faults named, versioned, computed from what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evaluation_engine.domain.kpi import Definition, faults
from evaluation_engine.domain.packs import ALL
from evaluation_engine.domain.result import evaluate
from evaluation_engine.ports.catalogue import StoredCatalogue
from evaluation_engine.service.catalogue.checking import Checked, Known, check_files
from evaluation_engine.service.catalogue.documents import to_json
from evaluation_engine.service.catalogue.reading import SourceFile
from evaluation_engine.service.catalogue.use import kpis_in_use, questions_in_use
from evaluation_engine.service.evaluate.yardstick import Yardstick, yardsticks
from tests.unit.evaluation_engine.domain.evidences import evidence

pytestmark = pytest.mark.requirement("A1")

KNOWN = Known("local", {one.id: one.direction for one in ALL})

KPI = """kind: kpi
id: paid-online
title: {en: Paid online}
family: business_performance
outcome: business
aspect: efficiency
nature: quantitative
goal: People pay on the spot.
signal: More of those who reach the payment get through it.
source: Council decision 12
measure:
  kind: proportion
  numerator: step.pay.reached - step.pay.abandoned
  denominator: step.pay.reached
direction: up
"""
SERVICE = """kind: service
id: parking
title: {en: Parking}
steps: [pay]
packs: [govuk, gc]
kpis: [paid-online]
questions:
  - {id: mood, kind: scale, min: 1, max: 5, title: {en: Mood}}
  - {id: drivers, kind: multi, values: [ease, price], title: {en: Drivers}}
"""


def check(*texts: str) -> Checked:
    return check_files([SourceFile(f"{number}.yaml", text) for number, text in enumerate(texts)], KNOWN)


def reasons(*texts: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.reason) for one in check(*texts).errors]


def yardstick(kpi: str = KPI, version: int = 7) -> Yardstick:
    documents = {name: to_json(one) for name, one in check(SERVICE, kpi).documents.items()}
    stored = StoredCatalogue(9, documents, {("kpi", "paid-online"): version})
    return yardsticks("local", stored)["parking"]


def own(measure: str, **over: str) -> Definition:
    head, _, _ = KPI.partition("measure:\n")
    lines = "".join(f"{name}: {value}\n" for name, value in over.items())
    text = f"{head}measure: {measure}\ndirection: up\n{lines}"
    assert reasons(SERVICE, text) == []
    return yardstick(text).own["paid-online"]


def value(definition: Definition, measures: dict[str, int], **over: Any) -> Any:
    sources = evidence({}).sources
    needs = dict.fromkeys([need.name for need in definition.needs], sources.last_seen_ms["rating"])
    return evaluate(definition, evidence(measures, sources=type(sources)(needs), **over))


def test_an_own_kpi_is_measured_by_the_version_that_changed_it_last() -> None:
    assert check(SERVICE, KPI).faults == ()
    definition = yardstick(version=7).own["paid-online"]
    found = value(definition, {"step.pay.reached": 200, "step.pay.abandoned": 30})
    assert (found.value, found.n, found.definition_version) == (85.0, 200, 7)
    assert definition.formula == "(step.pay.reached - step.pay.abandoned) / (step.pay.reached) × 100"
    assert faults([definition]) == []
    assert yardstick(version=8).own_versions == [("paid-online", 8)]


def test_packs_and_single_kpis_are_in_use_together() -> None:
    used = [one.id for one in yardstick().definitions]
    assert used == [
        "govuk-user-satisfaction", "govuk-completion-rate", "govuk-digital-take-up", "govuk-cost-per-transaction",
        "gc-task-success", "gc-ease", "gc-satisfaction", "paid-online",
    ]  # fmt: skip
    document = yardstick().document
    assert [one.id for one in questions_in_use(document)] == [
        "mood",
        "drivers",
        "gc-task",
        "gc-ease",
        "gc-satisfaction",
    ]
    plain = document.model_copy(update={"packs": (), "kpis": ()})
    assert len(kpis_in_use(plain)) == 14


def test_a_kpi_without_goal_or_signal_is_refused_and_every_fault_is_named_with_its_line() -> None:
    text = (
        KPI.replace("goal: People pay on the spot.\n", "")
        .replace("signal: More of those who reach the payment get through it.", "signal: ' '")
        .replace("step.pay.reached - step.pay.abandoned", "step.pay.reached-step.pay.abandoned")
        .replace("direction: up", "direction: sideways\nunitt: x")
    )
    found = reasons(SERVICE, text)
    assert [(line, field) for line, field, _ in found] == [
        (1, "goal"),
        (8, "signal"),
        (12, "measure.numerator"),
        (14, "direction"),
        (15, "unitt"),
    ]
    assert "signs stand between spaces" in found[2][2]
    assert found[4][2] == "unknown field; did you mean unit?"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        (("id: paid-online", "id: csat"), "id", "a KPI of this id comes with the platform"),
        (("family: business_performance", "family: it_performance"), "(document)", "it_kind goes with"),
        (("direction: up", "direction: up\nminimum_to_show: 500"), "(document)", "must not be larger"),
        (("direction: up", "direction: up\nunit: points"), "(document)", "a proportion has the unit %"),
        (("kind: proportion", "kind: mean"), "measure", "a mean needs of and nothing else"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(change: tuple[str, str], field: str, reason: str) -> None:
    found = [one for one in reasons(SERVICE, KPI.replace(*change)) if one[1] == field]
    assert found
    assert reason in found[0][2]


def test_a_service_must_ask_and_have_what_its_kpis_count() -> None:
    text = KPI.replace("step.pay.reached - step.pay.abandoned", "q.mood.9 + q.gc-ease.4 + q.nope.1 + step.post.reached")
    assert [reason for _, field, reason in reasons(SERVICE, text) if field == "kpis.0"] == [
        "it counts 9, which is no answer to mood",
        "it counts answers to nope, which this service does not ask",
        "it counts the step post, which this service does not have",
    ]


def test_unknown_packs_and_kpis_are_named() -> None:
    found = reasons(SERVICE.replace("[govuk, gc]", "[govuk, gcc]").replace("[paid-online]", "[paid-onlin]"), KPI)
    assert ("packs.1", "must be one of core, govuk, jdma, a11, gc, generic") in [one[1:] for one in found]
    assert ("kpis.0", "unknown KPI; did you mean paid-online?") in [one[1:] for one in found]


def test_a_kpi_that_no_service_uses_is_a_warning() -> None:
    found = check(SERVICE.replace("kpis: [paid-online]\n", ""), KPI)
    assert [(one.severity, one.reason) for one in found.faults] == [("warning", "no service uses this KPI")]


def test_means_scores_and_ratios() -> None:
    mood = {"q.mood.5": 60, "q.mood.2": 40}
    assert value(own("{kind: mean, of: q.mood}", unit="of 5", scale="[1, 5]"), mood).value == 3.8
    assert value(own("{kind: mean, of: rating}", unit="of 5"), {"rating.5": 60, "rating.2": 40}).value == 3.8
    points = own("{kind: score, points: {q.mood.5: 10, q.mood.4: 7.5, q.mood.2: 2.5}}", unit="of 10")
    found = value(points, mood)
    assert (found.value, found.interval.method, points.scale) == (7.0, "t, bounded", (2.5, 10.0))
    ratio = own("{kind: ratio, numerator: m.pages, denominator: e.fulfilled}", unit="pages")
    day = {"m.pages.n": 1, "m.pages.sum": 250_000, "e.fulfilled": 50}
    paper = value(ratio, {name: 2 * n for name, n in day.items()}, buckets=(day, day))
    assert (paper.value, paper.n, paper.unit) == (5.0, 100, "pages")
    assert value(ratio, {"e.fulfilled": 100}, buckets=({"e.fulfilled": 100},)).state == "stale"


CUTS = SERVICE.replace(
    "steps: [pay]", "steps: [pay]\nchannels: [web, phone]\nsegments: {age: ['65+', 18-64]}\nlanguages: [en, el]"
).replace("title: {en: Parking}", "title: {en: Parking, el: Στάθμευση}")


def about(condition: str) -> str:
    return KPI.replace("direction: up", f"direction: up\nwhere: {condition}")


def test_a_condition_restricts_a_kpi_to_a_part_and_to_the_cuts_that_are_kept_of_it() -> None:
    assert reasons(CUTS, about('channel == "web" and segment.age == "65+"')) == []
    documents = {name: to_json(one) for name, one in check(CUTS, about('segment.age == "65+"')).documents.items()}
    definition = yardsticks("local", StoredCatalogue(9, documents, {}))["parking"].own["paid-online"]
    assert definition.formula.endswith('× 100, where segment.age == "65+"')
    assert definition.dimensions == ("channel",)
    assert definition.reads("") == ((1, "segment.age=65+"),)
    assert definition.reads("channel=web") == ((1, "channel=web|segment.age=65+"),)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("segment.age == '70+'", "it is about segment.age 70+; this service has 65+, 18-64, other"),
        ("segment.income == 'low'", "it is about segment.income, which this service does not declare"),
        ("channel in ('web', 'fax')", "it is about channel fax; this service has web, phone"),
    ],
)
def test_a_condition_on_what_nobody_can_have_here_is_a_fault(condition: str, reason: str) -> None:
    found = reasons(CUTS, about(f'"{condition}"'))
    assert [(field, told) for _, field, told in found] == [("kpis.0", reason)]


def test_a_condition_that_cannot_be_read_or_told_is_a_fault_at_its_line() -> None:
    assert [(line, field) for line, field, _ in reasons(CUTS, about("\"chanel == 'web'\""))] == [(16, "where")]
    found = reasons(CUTS, about("\"step == 'pay'\""))
    assert [field for _, field, _ in found] == ["(document)"]
    assert "not as a condition" in found[0][2]


TARGET = """kind: target
id: paid
service: parking
kpi: paid-online
origin: council
at_least: 80
"""
BENCHMARK = """kind: benchmark
id: paying
title: {en: Paying}
services: [parking]
source: council
redesign_when: {rule: any}
criteria:
  - {id: paid, kpi: paid-online, source: council, redesign: {breach_below: 50}}
"""


def test_thresholds_are_checked_against_the_scale_of_an_own_kpi() -> None:
    assert reasons(SERVICE, KPI, TARGET, BENCHMARK) == []
    assert reasons(SERVICE, KPI, TARGET.replace("80", "101"), BENCHMARK.replace("50", "0")) == [
        (6, "at_least", "can never be met: nothing is at least 101"),
        (8, "criteria.0.redesign", "can never fire: nothing is below 0"),
    ]
    warned = check(SERVICE, KPI, TARGET.replace("80", "0")).faults
    assert [(one.severity, one.reason) for one in warned] == [("warning", "is always met: everything is at least 0")]


def test_a_ratio_has_no_end_of_its_scale_unless_it_says_one() -> None:
    ratio = KPI.replace("kind: proportion", "kind: ratio").replace("direction: up", "direction: up\nunit: x")
    assert reasons(SERVICE, ratio, TARGET.replace("80", "-5"), BENCHMARK.replace("50", "-5")) == []
    scaled = ratio + "scale: [0, 10]\n"
    assert [reason for _, _, reason in reasons(SERVICE, scaled, TARGET, BENCHMARK.replace("50", "0"))] == [
        "can never be met: nothing is at least 80",
        "can never fire: nothing is below 0",
    ]


def test_a_target_in_a_scope_of_which_a_kpi_keeps_nothing_is_a_fault() -> None:
    scoped = TARGET + "scope: {language: el}\n"
    found = reasons(CUTS, about("\"segment.age == '65+'\""), scoped)
    assert found == [(7, "scope", "nothing of this KPI (segment.age == '65+') is kept in this scope")]


def test_a_part_of_a_service_is_not_watched_by_the_hour() -> None:
    answers = KPI.replace("step.pay.reached - step.pay.abandoned", "rating.4 + rating.5").replace(
        "denominator: step.pay.reached", "denominator: answers"
    )
    watched = TARGET + "burn_rate: {}\n"
    assert reasons(CUTS, answers, watched) == []
    part = answers.replace("direction: up", "direction: up\nwhere: channel == 'web'")
    assert [(field, reason) for _, field, reason in reasons(CUTS, part, watched)] == [
        ("burn_rate", "the part that this KPI is about is kept by whole days only")
    ]


THEME = KPI.replace("step.pay.reached - step.pay.abandoned", "theme.payment.n").replace(
    "denominator: step.pay.reached", "denominator: comment.n"
)


def test_the_share_of_comments_on_a_theme_is_a_kpi() -> None:
    definition = own("{kind: proportion, numerator: theme.payment.n, denominator: comment.n}")
    found = value(definition, {"comment.n": 200, "theme.payment.n": 30, "answers": 900})
    assert (found.value, found.n, found.interval.method) == (15.0, 200, "wilson")
    assert [need.fields for need in definition.needs] == ["feedback.comment"]
    unhappy = own("{kind: proportion, numerator: theme.payment.rating.1, denominator: theme.payment.n}")
    assert value(unhappy, {"comment.n": 200, "theme.payment.n": 100, "theme.payment.rating.1": 25}).value == 25.0


def test_a_theme_that_the_taxonomy_does_not_have_is_named() -> None:
    known = replace(KNOWN, themes={"payment", "waiting"})
    files = [SourceFile("a.yaml", SERVICE), SourceFile("b.yaml", THEME)]
    assert check_files(files, known).errors == ()
    wrong = SourceFile("b.yaml", THEME.replace("theme.payment", "theme.paymen"))
    [fault] = check_files([files[0], wrong], known).errors
    assert (fault.field, fault.reason) == ("measure", "the taxonomy has no theme paymen; did you mean payment?")
