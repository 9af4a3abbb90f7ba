"""The seven-step improvement process of a service: which steps are done, and at which one it stands.

Source: ITIL Continual Service Improvement, the seven-step improvement process.
"""

from __future__ import annotations

from collections.abc import Iterable

from civiloop_shared.contracts.evaluations import ResultState
from evaluation_engine.domain.health.aims import judged
from evaluation_engine.domain.health.answer import Answer, Answered, Signs, of_all


def steps(signs: Signs) -> tuple[Answered, ...]:
    """Return the seven steps in their order."""
    return (
        _what_to_measure(signs),
        _what_can_be_measured(signs),
        _gather(signs),
        _process(signs),
        _analyse(signs),
        _present(signs),
        Answered("improve", "Implement improvements", Answer.NOT_EVIDENCED, "improvements are not recorded here yet"),
    )


def stands_at(answered: Iterable[Answered]) -> str | None:
    """Return the id of the first step that isn't done; None when all are."""
    return next((one.id for one in answered if one.answer is not Answer.YES), None)


def _what_to_measure(signs: Signs) -> Answered:
    goals = signs.alignment.goals
    with_target = sum(bool(one.targets) for one in goals)
    because = f"{with_target} of {len(goals)} goals have a target" if goals else "no goal is set"
    answer = of_all(with_target, len(goals)) if goals else Answer.NO
    return Answered("define", "Define what should be measured", answer, because, "/goals")


def _what_can_be_measured(signs: Signs) -> Answered:
    possible = sum(state != "not_measured" for state in signs.arrivals)
    because = f"{possible} of {len(signs.arrivals)} KPIs get what they are made from"
    return Answered("select", "Define what can be measured", of_all(possible, len(signs.arrivals)), because, "/needs")


def _gather(signs: Signs) -> Answered:
    able = [state for state in signs.arrivals if state != "not_measured"]
    arriving = sum(state == "measured" for state in able)
    because = f"of {arriving} of {len(able)} KPIs everything arrives and nothing is silent"
    return Answered("gather", "Gather the data", of_all(arriving, len(able)), because, "/needs")


def _process(signs: Signs) -> Answered:
    question = "Process the data"
    if signs.newest is None:
        return Answered("process", question, Answer.NO, "no closed period is evaluated", "/evaluations")
    answer = Answer.PARTLY if signs.overdue else Answer.YES
    which = "a period before the last" if signs.overdue else "the last period"
    because = f"evaluation {signs.newest.number} is of {which}"
    return Answered("process", question, answer, because, "/evaluations")


def _analyse(signs: Signs) -> Answered:
    _, of = judged(signs.newest.targets) if signs.newest else (0, 0)
    targets = len(signs.newest.targets) if signs.newest else 0
    because = f"{of} of {targets} targets could be judged; {signs.findings} findings are followed"
    return Answered("analyse", "Analyse the data", of_all(of, targets), because, "/findings")


def _present(signs: Signs) -> Answered:
    published = signs.newest.published if signs.newest else None
    results = published.results if published else ()
    shown = sum(one.state is not ResultState.SUPPRESSED for one in results)
    because = f"{shown} of {len(results)} KPIs are published" if published else "nothing is published yet"
    return Answered("present", "Present and use the information", Answer.YES if shown else Answer.NO, because)
