"""The agency's numbers go up while the citizens' go down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.mix import over_time, warned
from evaluation_engine.domain.findings.scene import FEWEST, PAST_WEEKS, Scene
from evaluation_engine.domain.findings.significance import Count, more_often, total
from evaluation_engine.domain.kpi import Definition, Proportion

LEAST_MOVE = 0.02


def find(scene: Scene) -> Iterator[Candidate]:
    """One test: both sides must have moved, so its p-value is the larger one of the two (Berger 1982)."""
    shares = [one for one in scene.definitions if isinstance(one.measure, Proportion) and one.where is None]
    citizens = [one for one in shares if one.family == "customer_satisfaction"]
    agency = [one for one in shares if one.family != "customer_satisfaction" and one.outcome != "citizen"]
    up, down = _moved(scene, agency, better=True), _moved(scene, citizens, better=False)
    if up is None or down is None:
        return
    (p_up, gained, was_up, is_up), (p_down, lost, was_down, is_down) = up, down
    p_value = max(p_up, p_down)
    if p_value >= 0.05:
        yield Candidate.test(1.0, None)
        return
    finding = Finding(
        kind=FindingKind.AGENCY_UP_CITIZEN_DOWN,
        cause=f"{gained.id}|{lost.id}",
        statement=(
            f"{gained.title['en']} got better ({words.percent(was_up.share)} → {words.percent(is_up.share)}) while "
            f"{lost.title['en'].lower()} got worse ({words.percent(was_down.share)} → {words.percent(is_down.share)}): "
            "the service may be gaining at its users' cost."
        ),
        numbers={
            "agency_kpi": gained.id,
            "agency_before": was_up.share,
            "agency_now": is_up.share,
            "citizen_kpi": lost.id,
            "citizen_before": was_down.share,
            "citizen_now": is_down.share,
            "n": is_down.n,
        },
        method=(
            f"this period against the {PAST_WEEKS} weeks before, both moves by Fisher's exact test widened by the "
            "scatter of the weeks and multiplied by the number of KPIs tried; the larger p-value counts"
        ),
        period=scene.period,
        kpi=lost.id,
        people=is_down.n * abs(was_down.share - is_down.share),
    )
    yield Candidate.test(
        p_value, warned(finding, is_down.share - was_down.share, over_time(scene, partial(_count, lost)))
    )


_Move = tuple[float, Definition, Count, Count]


def _moved(scene: Scene, definitions: Iterable[Definition], *, better: bool) -> _Move | None:
    """The KPI that moved most surely, its p-value multiplied by how many were tried."""
    moves = [move for one in definitions if (move := _move(scene, one, better=better)) is not None]
    if not moves:
        return None
    p_value, definition, was, is_ = min(moves, key=lambda move: (move[0], move[1].id))
    return min(1.0, p_value * len(moves)), definition, was, is_


def _move(scene: Scene, definition: Definition, *, better: bool) -> _Move | None:
    now = _count(definition, scene.now)
    past = [_count(definition, one.measures) for one in scene.past]
    before = total(past)
    if now.n < FEWEST or before.n < FEWEST or any(not 0 <= one.k <= one.n for one in (now, *past)):
        return None
    rises = (definition.direction == "up") == better
    move = now.share - before.share if rises else before.share - now.share
    if move < LEAST_MOVE:
        return 1.0, definition, before, now
    p_value = more_often(now, past) if rises else more_often(_rest(now), [_rest(one) for one in past])
    return p_value, definition, before, now


def _count(definition: Definition, measures: Mapping[str, int]) -> Count:
    measure = definition.measure
    assert isinstance(measure, Proportion)
    return Count(int(measure.numerator.of(measures)), int(measure.denominator.of(measures)))


def _rest(count: Count) -> Count:
    return Count(count.n - count.k, count.n)
