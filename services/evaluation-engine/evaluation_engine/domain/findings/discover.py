"""All findings of one evaluation: every kind looks, false discoveries are controlled, what is left is ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings import (
    change_point,
    driver,
    green_but_red,
    hot_step,
    one_sided,
    opposed,
    repeat_contact,
    response_bias,
    segment_gap,
    source_silent,
    target_missed,
    theme,
)
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.findings.significance import FALSE_DISCOVERIES, benjamini_hochberg

_KINDS: tuple[Callable[[Scene], Iterator[Candidate]], ...] = (
    source_silent.find,
    hot_step.find,
    segment_gap.find,
    driver.find,
    repeat_contact.find,
    change_point.find,
    opposed.find,
    green_but_red.find,
    target_missed.find,
    response_bias.find,
    one_sided.find,
    theme.rising,
    theme.drivers,
)

_WEIGHT = {
    FindingKind.SOURCE_SILENT: 0,  # until it speaks again, nothing else can be trusted
    FindingKind.HOT_STEP: 1,  # causes come before what they lead to
    FindingKind.SEGMENT_GAP: 1,
    FindingKind.DRIVER: 1,
    FindingKind.THEME_RISING: 1,
    FindingKind.REPEAT_CONTACT: 2,
    FindingKind.THEME_DRIVER: 2,
    FindingKind.CHANGE_POINT: 3,
    FindingKind.AGENCY_UP_CITIZEN_DOWN: 3,
    FindingKind.GREEN_BUT_RED: 3,
    FindingKind.TARGET_MISSED: 3,
    FindingKind.RESPONSE_BIAS: 4,
    FindingKind.ONE_SIDED: 4,
}


def discover(scene: Scene) -> tuple[Finding, ...]:
    """Return what holds, the weightiest first."""
    candidates = [candidate for find in _KINDS for candidate in find(scene)]
    return tuple(sorted(_told_once(_held(candidates)), key=_rank))


def _held(candidates: Sequence[Candidate]) -> list[Finding]:
    """Rules as they are; of the tests those that Benjamini and Hochberg's procedure lets through."""
    tests = [one for one in candidates if one.p_value is not None]
    adjusted = benjamini_hochberg([one.p_value or 0.0 for one in tests])
    found = [one.finding for one in candidates if one.p_value is None and one.finding]
    for one, q_value in zip(tests, adjusted, strict=True):
        if one.finding and q_value <= FALSE_DISCOVERIES:
            found.append(one.finding.adjusted(q_value))
    return found


def _told_once(found: Sequence[Finding]) -> list[Finding]:
    """Leave out a driver where a gap in satisfaction names the same group: the gap says more."""
    gaps = {one.cut for one in found if one.kind is FindingKind.SEGMENT_GAP and one.kpi == "csat"}
    return [one for one in found if one.kind is not FindingKind.DRIVER or one.cut not in gaps]


def _rank(one: Finding) -> tuple[int, int, float, float, str]:
    better = int(one.tone == "improvement")
    return better, _WEIGHT[one.kind], -one.people, 1.0 if one.p_value is None else one.p_value, one.id
