from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civiloop_shared.contracts.evaluations import KpiResult, RedesignVerdict
from evaluation_engine.domain.kpi_catalogue import BY_ID
from evaluation_engine.domain.redesign import kleene
from evaluation_engine.domain.redesign.benchmark import Benchmark, Combination, Criterion, Limit, faults
from evaluation_engine.domain.redesign.judgement import Judgement, judge
from evaluation_engine.domain.result import evaluate
from evaluation_engine.domain.rule import Memory, Status
from tests.unit.evaluation_engine.domain.evidences import evidence

pytestmark = pytest.mark.requirement("A7")

BAD, GOOD, UNKNOWN = 40, 95, None
truths = st.sampled_from([True, False, None])


def criterion(kpi: str, **over: object) -> Criterion:
    base = Criterion(kpi, kpi, "agreed", redesign=Limit("below", 60, 70), reimplement=Limit("below", 20, 30), goal=80)
    return replace(base, **over)  # type: ignore[arg-type]


TWO_OF_THREE = Combination("k_of_n", k=2)


def benchmark(combination: Combination = TWO_OF_THREE, **over: object) -> Benchmark:
    criteria = (criterion("csat"), criterion("task-success"), criterion("completion-rate"))
    base = Benchmark(
        "fit", {"en": "Fit"}, criteria, "agreed", redesign_when=combination, reimplement_when=combination,
        approved_by="the council", approved_on=date(2026, 1, 1),
    )  # fmt: skip
    return replace(base, **over)  # type: ignore[arg-type]


def result(kpi: str, value: int | None, n: int = 1000) -> KpiResult:
    size = n if value is not None else 0
    good = round((value or 0) * size / 100)
    measures = {
        "csat": {"rating.5": good, "rating.1": size - good},
        "task-success": {"task.yes": good, "task.no": size - good},
        "completion-rate": {"j.completed": good, "j.started": size},
    }[kpi]
    return evaluate(BY_ID[kpi], evidence(measures))


def judged(which: Benchmark, *values: int | None, before: dict[str, Memory] | None = None) -> Judgement:
    kpis = ("csat", "task-success", "completion-rate")
    results = {(kpi, ""): result(kpi, value) for kpi, value in zip(kpis, values, strict=True)}
    return judge(which, results, before or {})


def test_two_of_three_with_one_unknown_is_undetermined() -> None:
    found = judged(benchmark(), BAD, UNKNOWN, GOOD)
    assert (found.redesign, found.verdict) == (None, RedesignVerdict.NOT_ENOUGH)


def test_one_unknown_cannot_make_two_of_three() -> None:
    assert judged(benchmark(), UNKNOWN, GOOD, GOOD).redesign is False


def test_two_breaches_of_three_decide_whatever_is_unknown() -> None:
    found = judged(benchmark(), BAD, BAD, UNKNOWN)
    assert (found.redesign, found.verdict) == (True, RedesignVerdict.REDESIGN)


def test_a_critical_breach_decides_whatever_is_unknown() -> None:
    which = benchmark()
    critical = replace(which, criteria=(criterion("csat", critical=True), *which.criteria[1:]))
    assert judged(critical, BAD, UNKNOWN, UNKNOWN).verdict is RedesignVerdict.REDESIGN
    assert judged(critical, UNKNOWN, GOOD, GOOD).redesign is None


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((GOOD, GOOD, GOOD), RedesignVerdict.KEEP),
        ((75, GOOD, GOOD), RedesignVerdict.IMPROVE),
        ((BAD, GOOD, GOOD), RedesignVerdict.IMPROVE),
        ((BAD, BAD, GOOD), RedesignVerdict.REDESIGN),
        ((10, 10, GOOD), RedesignVerdict.REIMPLEMENT),
        ((10, BAD, GOOD), RedesignVerdict.REDESIGN),
        ((UNKNOWN, UNKNOWN, UNKNOWN), RedesignVerdict.NOT_ENOUGH),
        ((UNKNOWN, GOOD, GOOD), RedesignVerdict.NOT_ENOUGH),
        ((UNKNOWN, 75, GOOD), RedesignVerdict.IMPROVE),
    ],
)
def test_the_five_verdicts(values: tuple[int | None, ...], verdict: RedesignVerdict) -> None:
    assert judged(benchmark(), *values).verdict is verdict


def test_as_long_as_a_new_start_may_be_required_nothing_milder_is_said() -> None:
    which = benchmark(reimplement_when=Combination("any"))
    assert judged(which, UNKNOWN, GOOD, GOOD).verdict is RedesignVerdict.NOT_ENOUGH
    assert judged(which, UNKNOWN, 75, GOOD).verdict is RedesignVerdict.NOT_ENOUGH


@settings(max_examples=200)
@given(st.lists(st.tuples(truths, st.integers(1, 5)), min_size=1, max_size=5), st.integers(1, 8))
def test_three_valued_logic_says_true_or_false_exactly_when_no_unknown_can_change_it(
    values: list[tuple[bool | None, int]], needed: int
) -> None:
    known = [value for value, _ in values]
    weights = [weight for _, weight in values]
    worlds = list(product(*[[v] if v is not None else [True, False] for v in known]))

    def certain(holds: list[bool]) -> bool | None:
        return holds[0] if len(set(holds)) == 1 else None

    assert kleene.any_of(known) == certain([any(w) for w in worlds])
    assert kleene.all_of(known) == certain([all(w) for w in worlds])
    assert kleene.at_least(needed, known) == certain([sum(w) >= needed for w in worlds])
    totals = [sum(weight for hit, weight in zip(w, weights, strict=True) if hit) for w in worlds]
    assert kleene.weighted(needed, list(zip(known, weights, strict=True))) == certain([t >= needed for t in totals])


@pytest.mark.parametrize(
    ("combination", "values", "holds"),
    [
        (Combination("any"), (BAD, GOOD, UNKNOWN), True),
        (Combination("any"), (GOOD, GOOD, UNKNOWN), None),
        (Combination("all"), (BAD, BAD, UNKNOWN), None),
        (Combination("all"), (BAD, GOOD, UNKNOWN), False),
        (Combination("weighted", share=2 / 3), (BAD, BAD, GOOD), True),
        (Combination("weighted", share=0.67), (BAD, BAD, GOOD), False),
        (Combination("any_critical"), (BAD, BAD, BAD), False),
    ],
)
def test_combinations(combination: Combination, values: tuple[int | None, ...], holds: bool | None) -> None:
    assert judged(benchmark(combination), *values).redesign is holds


def test_a_breach_that_is_not_confirmed_yet_does_not_count_and_is_explained() -> None:
    which = benchmark(Combination("any"))
    which = replace(which, criteria=tuple(replace(c, for_=1) for c in which.criteria))
    first = judged(which, BAD, GOOD, GOOD)
    assert first.verdict is RedesignVerdict.IMPROVE
    assert first.memories["csat.redesign"] == Memory(Status.PENDING, 1)
    second = judged(which, BAD, GOOD, GOOD, before=first.memories)
    assert second.verdict is RedesignVerdict.REDESIGN
    explained = {clause.rule: clause.explanation for clause in first.to_result(which, BY_ID).clauses}
    assert "not yet often enough" in explained["csat.redesign"]


def test_once_firing_it_holds_through_the_dead_band_and_without_data() -> None:
    which = benchmark(Combination("any"))
    fired = judged(which, BAD, GOOD, GOOD)
    in_between = judged(which, 65, GOOD, GOOD, before=fired.memories)
    silent = judged(which, UNKNOWN, GOOD, GOOD, before=in_between.memories)
    over = judged(which, 70, GOOD, GOOD, before=silent.memories)
    assert [j.redesign for j in (fired, in_between, silent, over)] == [True, True, True, False]
    text = in_between.to_result(which, BY_ID).explanation
    assert "counts until 70 is reached" in text
    assert "firing_stale" in {clause.state for clause in silent.clauses}


def test_a_leader_can_read_why() -> None:
    which = benchmark()
    text = judged(which, BAD, BAD, UNKNOWN).to_result(which, BY_ID).explanation
    assert text.startswith("Redesign the service.")
    assert "Redesign is required: 2 of 3 criteria broken, 1 unknown (2 criteria are needed)." in text
    assert (
        "Customer satisfaction is 40.0 % (37.0 to 43.1, n = 1000), 20.0 points below the redesign limit of 60." in text
    )
    assert "Completion rate is not known well enough: nothing to count in this period." in text


def test_each_clause_carries_its_numbers_and_state() -> None:
    which = benchmark()
    wire = judged(which, BAD, BAD, UNKNOWN).to_result(which, BY_ID)
    clause = next(c for c in wire.clauses if c.rule == "csat.redesign")
    assert (clause.state, clause.threshold, clause.observed, clause.n, clause.kpi) == ("firing", 60, 40.0, 1000, "csat")
    assert wire.states["csat.redesign"] == {
        "status": "firing", "breaches": 1, "clears": 0, "before": "ok", "rule_version": 1, "kpi_version": 1,
    }  # fmt: skip
    assert {c.level for c in wire.clauses} == {"goal", "redesign", "reimplement"}
    assert Memory.from_json(wire.states["csat.redesign"]) == Memory(Status.FIRING, 1)


def test_the_bound_that_decides_is_named() -> None:
    which = benchmark(Combination("any"))
    which = replace(which, criteria=tuple(replace(c, decide_by="upper_bound") for c in which.criteria))
    assert "its bound of 43.1 decides" in judged(which, BAD, GOOD, GOOD).to_result(which, BY_ID).explanation


def test_one_that_nobody_approved_is_a_draft() -> None:
    draft = benchmark(approved_by=None)
    wire = judged(draft, BAD, BAD, GOOD).to_result(draft, BY_ID)
    assert wire.draft
    assert "draft" in wire.explanation


def test_a_criterion_without_a_result_is_unknown() -> None:
    found = judge(benchmark(), {}, {})
    assert found.verdict is RedesignVerdict.NOT_ENOUGH
    assert "was not evaluated" in found.to_result(benchmark(), BY_ID).explanation


def test_loading_refuses_what_can_never_fire() -> None:
    assert faults(benchmark(), BY_ID) == []
    assert len(faults(benchmark(Combination("k_of_n", k=4)), BY_ID)) == 2
    assert len(faults(benchmark(Combination("any_critical")), BY_ID)) == 2
    empty = replace(benchmark(), criteria=(criterion("csat", redesign=None, reimplement=None),))
    assert faults(empty, BY_ID) == ["fit: no criterion has a limit"]
