from civiloop_shared.contracts.evaluations import (
    BenchmarkResult,
    ClauseResult,
    Interval,
    KpiResult,
    Period,
    RedesignVerdict,
    ResultState,
    TargetResult,
    Verdict,
)
from evaluation_engine.domain.disclosure.public_form import public, public_benchmark, public_target

GAP = KpiResult(
    kpi="equity-gap",
    definition_version=1,
    state=ResultState.OK,
    value=100 * (50 / 60 - 40 / 80),
    unit="points of %",
    direction="down",
    n=60,
    interval=Interval(low=18.7, high=46.2, level=0.95, method="newcombe"),
    numerator=50,
    period=Period(start="2026-10-01T00:00:00Z", end="2026-11-01T00:00:00Z", zone="UTC"),
    details={"best": "segment.age=old", "quantile": 0.5},
)


def test_of_a_gap_its_value_and_state_are_shown_and_nothing_that_gives_both_groups() -> None:
    found = public(GAP, bare=True)
    assert (found.state, found.value, found.reason) == (ResultState.OK, 33.3, None)
    assert (found.n, found.interval, found.numerator, found.denominator, found.details) == (0, None, None, None, {})


def test_a_gap_that_could_not_be_computed_says_nothing_of_the_groups_behind() -> None:
    found = public(GAP.model_copy(update={"value": None, "state": ResultState.TOO_FEW, "n": 12}), bare=True)
    assert found.state is ResultState.SUPPRESSED


def test_a_target_for_a_gap_has_its_verdict_and_no_sentence_with_numbers() -> None:
    target = TargetResult(
        target="closer",
        kpi="equity-gap",
        comparison="at_most",
        threshold=10,
        unit="points of %",
        verdict=Verdict.MISSED,
        explanation="33.3 (18.7 to 46.2, n = 60)",
        result=GAP,
    )
    found = public_target(target, bare=True)
    assert (found.verdict, found.explanation, found.result) == (Verdict.MISSED, "", public(GAP, bare=True))
    assert public_target(target).explanation


def test_a_benchmark_that_rests_on_a_gap_says_its_verdict_without_the_numbers_behind() -> None:
    gap, other = (
        ClauseResult(
            rule=kpi,
            kpi=kpi,
            level="redesign",
            state="held",
            threshold=10,
            observed=33.333,
            n=60,
            explanation="33.333 of 60",
            margin=-23.333,
        )
        for kpi in ("equity-gap", "csat")
    )
    one = BenchmarkResult(
        benchmark="renew", verdict=RedesignVerdict.REDESIGN, draft=False, explanation="because 60", clauses=(gap, other)
    )
    found = public_benchmark(one, {"equity-gap"})
    assert (found.verdict, found.explanation) == (one.verdict, "")
    assert (found.clauses[0].observed, found.clauses[0].n, found.clauses[0].margin) == (33.3, 0, None)
    assert found.clauses[0].explanation == ""
    assert found.clauses[1] == other
    assert public_benchmark(one).explanation == "because 60"
