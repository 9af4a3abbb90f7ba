"""What KPIs of the packs publish for inputs that a test gives."""

from __future__ import annotations

from typing import Any

from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.contribution.answers import Answer, of_answer
from evaluation_engine.domain.contribution.context import COUNTING, FactContext
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.journey import fold, settle
from evaluation_engine.domain.packs import ALL, BY_ID
from evaluation_engine.domain.result import evaluate
from tests.unit.evaluation_engine.domain.evidences import evidence
from tests.unit.evaluation_engine.domain.journeys import DAY, T0

NEEDS = {need.name for one in ALL for need in one.needs}
ALL_ARRIVE = Sources(dict.fromkeys(NEEDS, T0 + 30 * DAY))
CONTEXT = FactContext("UTC", 14 * DAY, frozenset({"web"}), frozenset(), frozenset(), {}, COUNTING)


def of(kpi: str, measures: dict[str, int] | None = None, **over: Any) -> Any:
    """The result; Any, so that its figures compare with approximate ones."""
    return evaluate(BY_ID[kpi], evidence(measures, **{"sources": ALL_ARRIVE, **over}))


def said(**answers: Any) -> Measures:
    """What one person's answers to questions add."""
    given = tuple((name.replace("_", "-"), value) for name, value in answers.items() if name != "offered")
    offered = tuple(answers.get("offered", {}).items())
    [share] = of_answer(Answer("permit", T0, "web", questions=given, offered=offered), CONTEXT)
    return share.measures


def times(n: int, measures: Measures) -> Measures:
    return {name: n * count for name, count in measures.items()}


def journeys(*histories: tuple[int, list[Any]]) -> Measures:
    """What so many journeys of each history add, two months later."""
    found: list[Measures] = []
    for n, events in histories:
        state = fold(events)
        assert state is not None
        end = settle(state, now_ms=T0 + 60 * DAY, limit_ms=CONTEXT.silence_limit_ms)
        found += [times(n, share.measures) for share in of_journey(state, end, CONTEXT)]
    return merge(found)
