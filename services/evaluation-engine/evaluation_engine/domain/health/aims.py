"""The seven aims of continuous improvement, answered from data.

Source of the aims: stage 5 "Continuous improvement" of the guide to digitising public services.
"""

from __future__ import annotations

from collections.abc import Iterable

from civiloop_shared.contracts.evaluations import RedesignVerdict, ResultState, TargetResult, Verdict
from evaluation_engine.domain.goal import FAMILIES, GoalState
from evaluation_engine.domain.health.answer import Answer, Answered, Signs, of_all
from evaluation_engine.domain.health.flavours import ASPECTS

PERIODS_OF_A_TREND = 3
"""Closed periods that are needed before the newest one to say where a service is going."""

_JUDGED = (Verdict.MET, Verdict.MISSED, Verdict.TOO_CLOSE)
_TAKE_UP = ("digital-take-up", "govuk-digital-take-up")
_PURPOSE = {
    RedesignVerdict.KEEP: Answer.YES,
    RedesignVerdict.IMPROVE: Answer.PARTLY,
    RedesignVerdict.REDESIGN: Answer.NO,
    RedesignVerdict.REIMPLEMENT: Answer.NO,
    RedesignVerdict.NOT_ENOUGH: Answer.NOT_EVIDENCED,
}
_WORST_FIRST = (Answer.NO, Answer.PARTLY, Answer.NOT_EVIDENCED, Answer.YES)


def aims(signs: Signs) -> tuple[Answered, ...]:
    """Return the seven aims in the order of their source."""
    return (
        _health_by_data(signs),
        _needs_met(signs),
        _maturity(signs),
        _all_aspects(signs),
        _new_information(signs),
        _purpose(signs),
        _acceptance(signs),
    )


def judged(targets: Iterable[TargetResult]) -> tuple[int, int]:
    """Return how many targets are met, of how many whose numbers suffice for a verdict."""
    verdicts = [one.verdict for one in targets if one.verdict in _JUDGED]
    return verdicts.count(Verdict.MET), len(verdicts)


def _health_by_data(signs: Signs) -> Answered:
    results = {one.kpi: one.state for one in signs.newest.results} if signs.newest else {}
    known = sum(state is ResultState.OK for state in results.values())
    because = f"{known} of {len(results)} KPIs have a value in the newest evaluation" if results else "never evaluated"
    return Answered("health", "Is its health known from data?", of_all(known, len(results)), because, "/evaluations")


def _needs_met(signs: Signs) -> Answered:
    goals = [one for one in signs.alignment.goals if one.goal.outcome != "service"]
    told = [one for one in goals if one.state in (GoalState.REACHED, GoalState.NOT_REACHED, GoalState.OPEN)]
    reached = sum(one.state is GoalState.REACHED for one in told)
    because = f"{reached} of {len(told)} goals of citizens and businesses are reached"
    if len(goals) > len(told):
        because += f", {len(goals) - len(told)} more have no target"
    question = "Are the needs of citizens and businesses met?"
    return Answered("needs", question, of_all(reached, len(told)), because, "/goals")


def _maturity(signs: Signs) -> Answered:
    question = "Does it mature?"
    before = [met / of for met, of in signs.met_before if of]
    met, of = judged(signs.newest.targets) if signs.newest else (0, 0)
    if len(before) < PERIODS_OF_A_TREND or not of:
        because = f"{len(before)} earlier periods have a verdict, {PERIODS_OF_A_TREND} are needed beside the newest"
        return Answered("maturity", question, Answer.NOT_EVIDENCED, because, "/evaluations")
    usual = sum(before) / len(before)
    share = met / of
    answer = Answer.YES if share == 1 or share > usual else (Answer.PARTLY if share == usual else Answer.NO)
    because = f"{met} of {of} targets are met ({share:.0%}), {usual:.0%} in the {len(before)} periods before"
    return Answered("maturity", question, answer, because, "/evaluations")


def _all_aspects(signs: Signs) -> Answered:
    families = {row.family for row in signs.flavours if row.measured.with_value}
    aspects = {aspect for row in signs.flavours for aspect in ASPECTS if row.aspects[aspect].with_value}
    lacking = [name.replace("_", " ") for name in (*FAMILIES, *ASPECTS) if name not in families | aspects]
    answer = of_all(len(families) + len(aspects), len(FAMILIES) + len(ASPECTS)) if signs.newest else of_all(0, 0)
    because = (
        f"nothing is measured of {', '.join(lacking)}" if lacking else "all flavours and both aspects are measured"
    )
    return Answered("aspects", "Are all aspects of it measured?", answer, because, "/goals")


def _new_information(signs: Signs) -> Answered:
    arriving = sum(state == "measured" for state in signs.arrivals)
    because = f"all that is needed arrives for {arriving} of {len(signs.arrivals)} KPIs"
    if signs.overdue:
        because += ", a period that has ended isn't evaluated"
    because += f"; {signs.findings} findings are followed"
    answer = of_all(arriving, len(signs.arrivals))
    if answer is Answer.YES and signs.overdue:
        answer = Answer.PARTLY
    return Answered("information", "Is new information about it followed?", answer, because, "/needs")


def _purpose(signs: Signs) -> Answered:
    question = "Is it useful and fit for its purpose?"
    benchmarks = signs.newest.benchmarks if signs.newest else ()
    answers = [
        Answer.PARTLY if one.draft and one.verdict is RedesignVerdict.KEEP else _PURPOSE[one.verdict]
        for one in benchmarks
    ]
    worst = next((answer for answer in _WORST_FIRST if answer in answers), Answer.NOT_EVIDENCED)
    told = ", ".join(
        f"{one.benchmark}: {one.verdict.value.replace('_', ' ')}{' (a draft)' if one.draft else ''}"
        for one in benchmarks
    )
    return Answered("purpose", question, worst, told or "no redesign benchmark was evaluated", "/redesign")


def _acceptance(signs: Signs) -> Answered:
    kpis = {one.id for one in signs.used if one.family == "customer_satisfaction" or one.id in _TAKE_UP}
    targets = [one for one in signs.newest.targets if one.kpi in kpis] if signs.newest else []
    met, of = judged(targets)
    because = f"{met} of {of} targets of satisfaction and digital take-up are met"
    if len(targets) > of:
        because += f", {len(targets) - of} more lack data"
    return Answered("acceptance", "Do people accept it and are they satisfied?", of_all(met, of), because, "/targets")
