"""The health card: each answer from what is known, and "not evidenced" where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest

from civiloop_shared.contracts.evaluations import (
    BenchmarkResult,
    EvaluationRecorded,
    KpiResult,
    Period,
    Publication,
    RedesignVerdict,
    ResultState,
    TargetResult,
    Verdict,
)
from evaluation_engine.domain.goal import Goal, align
from evaluation_engine.domain.health.aims import aims
from evaluation_engine.domain.health.answer import Answer, Answered, Arrival, Signs
from evaluation_engine.domain.health.flavours import Measured, flavours
from evaluation_engine.domain.health.steps import stands_at, steps
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.packs import BY_ID

PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC), zone="UTC")
USED = [BY_ID[kpi] for kpi in ("csat", "digital-take-up", "cost-per-outcome", "availability")]
NOTHING = Signs(USED, None, (), align((), USED, ()), flavours(USED, None), ("not_measured",) * 4, False, 0)


def result(kpi: str, state: ResultState = ResultState.OK) -> KpiResult:
    return KpiResult(kpi=kpi, definition_version=1, state=state, unit="%", direction="up", n=200, period=PERIOD)


def target(kpi: str, verdict: Verdict) -> TargetResult:
    return TargetResult(
        target=f"{kpi}-80",
        kpi=kpi,
        comparison="at_least",
        threshold=80,
        unit="%",
        verdict=verdict,
        explanation="",
        result=result(kpi),
    )


def benchmark(verdict: RedesignVerdict, *, draft: bool = False) -> BenchmarkResult:
    return BenchmarkResult(benchmark="parking", verdict=verdict, draft=draft, explanation="", clauses=())


def record(
    results: Sequence[KpiResult] = (),
    targets: Sequence[TargetResult] = (),
    benchmarks: Sequence[BenchmarkResult] = (),
) -> EvaluationRecorded:
    return EvaluationRecorded(
        service="parking-permit",
        body="city",
        number=7,
        revision=1,
        period=PERIOD,
        closed=True,
        as_of=PERIOD.end,
        catalogue_version=1,
        inputs_digest="",
        results=tuple(results),
        targets=tuple(targets),
        benchmarks=tuple(benchmarks),
    )


def signs(newest: EvaluationRecorded, *goals: Goal, used: Sequence[Definition] = USED, arrives: bool = True) -> Signs:
    arrival: Arrival = "measured" if arrives else "silent"
    found = align(goals, used, newest.targets)
    rows = flavours(used, newest)
    return Signs(used, newest, (), found, rows, [arrival] * len(used), overdue=False, findings=2)


def answer(found: Sequence[Answered], id_: str) -> Answer:
    return next(one.answer for one in found if one.id == id_)


@pytest.mark.requirement("A20")
def test_of_a_service_that_was_never_evaluated_nothing_is_claimed() -> None:
    found = aims(NOTHING)
    assert len(found) == 7
    answers = {one.id: one.answer for one in found}
    assert answers.pop("information") is Answer.NO, "what is needed does not arrive: that much is known"
    assert set(answers.values()) == {Answer.NOT_EVIDENCED}


@pytest.mark.requirement("A20")
def test_health_is_known_from_data_as_far_as_kpis_have_a_value() -> None:
    all_known = record([result(one.id) for one in USED])
    some = record([result("csat"), result("availability", ResultState.TOO_FEW)])
    none = record([result("csat", ResultState.STALE)])
    found = [answer(aims(signs(one)), "health") for one in (all_known, some, none)]
    assert found == [Answer.YES, Answer.PARTLY, Answer.NO]


@pytest.mark.parametrize(
    ("outcome", "verdict", "expected"),
    [
        ("citizen", Verdict.MET, Answer.YES),
        ("business", Verdict.MISSED, Answer.NO),
        ("citizen", Verdict.TOO_CLOSE, Answer.NO),
        ("service", Verdict.MISSED, Answer.NOT_EVIDENCED),
    ],
)
def test_needs_are_met_when_goals_of_citizens_and_businesses_are_reached(
    outcome: Literal["citizen", "business", "service"], verdict: Verdict, expected: Answer
) -> None:
    goal = Goal("easy", outcome, {"en": "Easy"}, ("csat",))
    assert answer(aims(signs(record(targets=[target("csat", verdict)]), goal)), "needs") is expected


@pytest.mark.parametrize(
    ("before", "verdict", "expected"),
    [
        ([(1, 2)] * 2, Verdict.MET, Answer.NOT_EVIDENCED),
        ([(1, 2)] * 3, Verdict.MET, Answer.YES),
        ([(0, 2)] * 3, Verdict.MISSED, Answer.PARTLY),
        ([(1, 2)] * 3, Verdict.MISSED, Answer.NO),
        ([(1, 2)] * 3, Verdict.NOT_ENOUGH, Answer.NOT_EVIDENCED),
        ([(0, 0), (1, 2), (1, 2)], Verdict.MET, Answer.NOT_EVIDENCED),
    ],
)
def test_maturity_is_the_trend_of_targets_met(
    before: list[tuple[int, int]], verdict: Verdict, expected: Answer
) -> None:
    known = replace(signs(record(targets=[target("csat", verdict)])), met_before=before)
    assert answer(aims(known), "maturity") is expected


@pytest.mark.requirement("C1")
@pytest.mark.requirement("C2")
def test_every_flavour_and_both_aspects_stand_on_the_card_also_where_nothing_is_measured() -> None:
    newest = record([result("csat"), result("availability", ResultState.NO_DATA)], [target("csat", Verdict.MISSED)])
    rows = flavours([BY_ID["csat"], BY_ID["availability"]], newest)
    assert [(row.family, row.it_kind) for row in rows] == [
        ("it_performance", "technology"),
        ("it_performance", "process"),
        ("it_performance", "service"),
        ("business_performance", None),
        ("customer_satisfaction", None),
    ]
    by_family = {(row.family, row.it_kind): row for row in rows}
    satisfied = by_family["customer_satisfaction", None]
    assert satisfied.measured == Measured(1, 1)
    assert satisfied.aspects[BY_ID["csat"].aspect] == Measured(1, 1)
    assert satisfied.verdicts[Verdict.MISSED] == 1
    assert by_family["business_performance", None].measured == Measured(0, 0)
    assert sum(row.measured.kpis for row in rows) == 2
    said = next(one for one in aims(signs(newest)) if one.id == "aspects")
    assert said.answer is Answer.PARTLY
    assert said.because.startswith("nothing is measured of it performance, business performance")


@pytest.mark.parametrize(
    ("benchmarks", "expected"),
    [
        ([benchmark(RedesignVerdict.KEEP)], Answer.YES),
        ([benchmark(RedesignVerdict.KEEP, draft=True)], Answer.PARTLY),
        ([benchmark(RedesignVerdict.IMPROVE)], Answer.PARTLY),
        ([benchmark(RedesignVerdict.KEEP), benchmark(RedesignVerdict.REDESIGN)], Answer.NO),
        ([benchmark(RedesignVerdict.KEEP), benchmark(RedesignVerdict.NOT_ENOUGH)], Answer.NOT_EVIDENCED),
    ],
)
def test_a_service_fulfils_its_purpose_by_the_worst_of_its_benchmarks(
    benchmarks: list[BenchmarkResult], expected: Answer
) -> None:
    assert answer(aims(signs(record(benchmarks=benchmarks))), "purpose") is expected


def test_acceptance_looks_at_satisfaction_and_take_up_and_at_nothing_else() -> None:
    targets = [
        target("csat", Verdict.MET),
        target("digital-take-up", Verdict.MET),
        target("availability", Verdict.MISSED),
    ]
    assert answer(aims(signs(record(targets=targets))), "acceptance") is Answer.YES
    targets[1] = target("digital-take-up", Verdict.MISSED)
    assert answer(aims(signs(record(targets=targets))), "acceptance") is Answer.PARTLY


def test_a_period_that_is_not_evaluated_keeps_information_from_being_followed() -> None:
    known = signs(record([result("csat")]))
    assert answer(aims(known), "information") is Answer.YES
    assert answer(aims(replace(known, overdue=True)), "information") is Answer.PARTLY
    assert answer(aims(signs(record([result("csat")]), arrives=False)), "information") is Answer.NO


@pytest.mark.requirement("C4")
def test_the_improvement_process_stands_at_its_first_step_that_is_not_done() -> None:
    assert [one.id for one in steps(NOTHING)] == [
        *("define", "select", "gather", "process", "analyse", "present", "improve"),
    ]
    assert stands_at(steps(NOTHING)) == "define"
    goal = Goal("easy", "citizen", {"en": "Easy"}, ("csat",))
    published = Publication(results=(result("csat"), result("nps", ResultState.SUPPRESSED)))
    newest = record([result("csat")], [target("csat", Verdict.MISSED)]).model_copy(update={"published": published})
    known = signs(newest, goal)
    hidden = Publication(results=published.results[1:])
    nothing = replace(known, newest=newest.model_copy(update={"published": hidden}))
    assert [
        stands_at(steps(one)) for one in (nothing, replace(known, newest=record(newest.results, newest.targets)))
    ] == [
        "present",
        "present",
    ]
    assert stands_at(steps(known)) == "improve", (
        "improvements are not recorded yet, which is said and not counted as done"
    )
    assert stands_at(steps(replace(known, overdue=True))) == "process"
    assert stands_at(steps(replace(known, arrivals=("silent",) * 4))) == "gather"
    assert stands_at(steps(replace(known, arrivals=("not_measured", *known.arrivals[1:])))) == "select"
    undecided = signs(record([result("csat")], [target("csat", Verdict.NOT_ENOUGH)]), goal)
    assert stands_at(steps(undecided)) == "analyse"
