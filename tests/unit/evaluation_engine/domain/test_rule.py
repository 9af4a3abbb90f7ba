from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civiloop_shared.contracts.evaluations import KpiResult, ResultState
from evaluation_engine.domain.kpi_catalogue import BY_ID
from evaluation_engine.domain.result import evaluate
from evaluation_engine.domain.rule import Memory, Rule, Status, advance, faults, observe, without_result
from tests.unit.evaluation_engine.domain.evidences import evidence

pytestmark = pytest.mark.requirement("A6")
RULE = Rule("satisfied", "csat", "below", 70, 75, for_=2, keep_firing_for=1)
LATENCY = Rule("quick", "mtcf-median", "above", 30, 25)


def csat(value: float, n: int = 1000) -> KpiResult:
    good = round(value * n / 100)
    return evaluate(BY_ID["csat"], evidence({"rating.5": good, "rating.1": n - good}))


def run(rule: Rule, values: list[KpiResult]) -> list[str]:
    memory, seen = Memory(), []
    for value in values:
        memory = observe(rule, value, memory).after
        seen.append(memory.status.value)
    return seen


def test_the_worked_example() -> None:
    values = [csat(v) for v in (80, 69, 68, 67, 72, 76, 77)]
    assert run(RULE, values) == ["ok", "pending", "pending", "firing", "firing", "firing", "ok"]


def test_a_breach_is_strict_and_clear_is_inclusive() -> None:
    at_once = replace(RULE, for_=0, keep_firing_for=0)
    assert run(at_once, [csat(70), csat(69.9), csat(74.9), csat(75)]) == ["ok", "firing", "firing", "ok"]


def test_a_good_value_before_it_fires_starts_the_count_anew() -> None:
    assert run(RULE, [csat(60), csat(60), csat(71), csat(60), csat(60), csat(60)]) == [
        "pending", "pending", "ok", "pending", "pending", "firing",
    ]  # fmt: skip


def test_clears_have_to_follow_each_other() -> None:
    assert run(replace(RULE, for_=0), [csat(v) for v in (60, 76, 72, 76, 76)]) == ["firing"] * 4 + ["ok"]


@pytest.mark.parametrize(("n", "status"), [(0, "no_data"), (20, "insufficient"), (99, "insufficient")])
def test_too_few_or_no_data_is_neither_ok_nor_breach(n: int, status: str) -> None:
    assert run(RULE, [csat(100), csat(10, n)]) == ["ok", status]
    assert run(RULE, [csat(10), csat(100, n)]) == ["pending", status]


def test_while_firing_it_stays_firing_and_is_marked_stale() -> None:
    at_once = replace(RULE, for_=0)
    assert run(at_once, [csat(60), csat(99, 0), csat(99, 50), csat(72), csat(76), csat(76)]) == [
        "firing", "firing_stale", "firing_stale", "firing", "firing", "ok",
    ]  # fmt: skip


def test_keep_last_remembers_the_breaches_over_a_gap_and_no_data_forgets_them() -> None:
    values = [csat(60), csat(60), csat(60, 10), csat(60)]
    assert run(replace(RULE, no_data="keep_last"), values)[-1] == "firing"
    assert run(RULE, values)[-1] == "pending"


def test_a_missing_result_is_no_data() -> None:
    assert without_result(RULE, Memory(Status.FIRING, 3)).status is Status.FIRING_STALE
    assert without_result(RULE, Memory()).status is Status.NO_DATA


def test_above_is_the_mirror_of_below() -> None:
    memory = Memory()
    seen = []
    for value in (30.0, 30.1, 26.0, 25.0):
        memory = advance(LATENCY, memory, value)
        seen.append(memory.status.value)
    assert seen == ["ok", "firing", "firing", "ok"]


def test_a_bound_can_decide_instead_of_the_point() -> None:
    by_upper = replace(RULE, for_=0, decide_by="upper_bound")
    assert run(replace(RULE, for_=0), [csat(69)]) == ["firing"]
    assert run(by_upper, [csat(69)]) == ["ok"]
    assert run(by_upper, [csat(60)]) == ["firing"]


def test_every_observation_is_recorded_whole() -> None:
    seen = observe(RULE, csat(60), Memory(Status.PENDING, 2))
    assert (seen.rule, seen.rule_version, seen.kpi_version, seen.n, seen.estimate) == ("satisfied", 1, 1, 1000, 60.0)
    assert (seen.before, seen.after) == (Status.PENDING, Memory(Status.FIRING, 3))
    assert seen.interval is not None


def test_memory_survives_being_stored() -> None:
    memory = Memory(Status.FIRING_STALE, 4, 1)
    assert Memory.from_json(memory.to_json()) == memory
    assert Memory.from_json(None) == Memory()


def test_a_result_of_another_kpi_is_refused() -> None:
    with pytest.raises(ValueError, match="satisfied"):
        observe(replace(RULE, kpi="nps"), csat(60), Memory())


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.none(), st.integers(50, 90)), max_size=12),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["keep_last", "no_data"]),
)
def test_it_fires_only_after_enough_breaches_and_stops_only_by_clearing(
    values: list[int | None], for_: int, keep: int, no_data: Literal["keep_last", "no_data"]
) -> None:
    rule = replace(RULE, for_=for_, keep_firing_for=keep, no_data=no_data)
    memory, breaches = Memory(), 0
    for value in values:
        before = memory
        memory = without_result(rule, memory) if value is None else advance(rule, memory, value)
        if value is None:
            assert memory.status in (Status.NO_DATA, Status.FIRING_STALE)
            breaches = breaches if no_data == "keep_last" else 0
            continue
        breaches = breaches + 1 if value < 70 else 0
        if memory.status.firing and not before.status.firing:
            assert breaches == for_ + 1
        if before.status.firing and not memory.status.firing:
            assert value >= 75


def test_loading_names_every_rule_that_makes_no_sense() -> None:
    rules = [
        replace(RULE, id="a", kpi="unheard-of"),
        replace(RULE, id="b", breach=70, clear=69),
        replace(RULE, id="c", breach=0, clear=5),
        replace(LATENCY, id="d", kpi="abandonment-by-step", breach=100, clear=50),
        replace(RULE, id="e", breach=60, clear=101),
        replace(RULE, id="f", min_sample=0, breach=61),
        replace(RULE, id="g", breach=62),
        replace(RULE, id="g", breach=63),
        replace(RULE, id="h", breach=62),
    ]
    found = faults(rules, BY_ID)
    assert [line.split(":")[0] for line in found] == ["a", "b", "c", "d", "e", "f", "g", "h"]
    assert [word for word, line in zip(
        ["unknown KPI", "bad side", "never fire", "never fire", "never end", "min_sample", "another rule", "same as g"],
        found, strict=True) if word not in line] == []  # fmt: skip
    assert faults([RULE, LATENCY], BY_ID) == []


def test_results_that_may_not_be_judged_are_no_data() -> None:
    for state in (ResultState.STALE, ResultState.REFUSED, ResultState.NOT_MEASURED, ResultState.SUPPRESSED):
        doubtful = csat(10).model_copy(update={"state": state})
        assert observe(RULE, doubtful, Memory()).after.status is Status.NO_DATA
    assert all(a != b for a, b in pairwise(Status))
