"""Equity: how far the worst served group is behind the best served one, each with at least the minimum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import FindingKind, Interval
from evaluation_engine.domain.contribution.context import OTHER
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.mix import between, warned
from evaluation_engine.domain.findings.scene import FEWEST, Scene, satisfied
from evaluation_engine.domain.findings.significance import Count, homogeneity
from evaluation_engine.domain.intervals import LEVEL, newcombe

LEAST_GAP = 0.05


@dataclass(frozen=True, slots=True)
class _Yardstick:
    kpi: str
    of: Callable[[Mapping[str, int]], Count]
    text: str


def _completed(measures: Mapping[str, int]) -> Count:
    started = measures.get("j.started", 0) - measures.get("j.fault", 0)
    return Count(measures.get("j.completed", 0), started)


_YARDSTICKS = (
    _Yardstick("csat", satisfied, "are satisfied"),
    _Yardstick("completion-rate", _completed, "complete what they start"),
)


def find(scene: Scene) -> Iterator[Candidate]:
    """One test for each dimension of people and each of satisfaction and completion."""
    for dimension in scene.of_people:
        for yardstick in _YARDSTICKS:
            found = _look(scene, dimension, yardstick)
            if found is not None:
                yield found


def _look(scene: Scene, dimension: str, yardstick: _Yardstick) -> Candidate | None:
    counts = {
        cut: count
        for cut, measures in scene.values(dimension)
        if (count := yardstick.of(measures)).n >= FEWEST and 0 <= count.k <= count.n and not cut.endswith(f"={OTHER}")
    }
    if len(counts) < 2:
        return None
    best = max(counts, key=lambda cut: (counts[cut].share, cut))
    worst = min(counts, key=lambda cut: (counts[cut].share, cut))
    gap = counts[best].share - counts[worst].share
    if gap < LEAST_GAP:
        return Candidate.test(1.0, None)
    finding = _finding(scene, yardstick, counts, best, worst)
    finding = warned(finding, -gap, between(scene, worst, best, yardstick.of))
    return Candidate.test(homogeneity(list(counts.values())), finding)


def _finding(scene: Scene, yardstick: _Yardstick, counts: Mapping[str, Count], best: str, worst: str) -> Finding:
    top, bottom = counts[best], counts[worst]
    pairs = len(counts) * (len(counts) - 1) // 2
    level = 1 - (1 - LEVEL) / pairs
    bounds = newcombe(top.k, top.n, bottom.k, bottom.n, level)
    return Finding(
        kind=FindingKind.SEGMENT_GAP,
        cause=f"{yardstick.kpi}|{worst}",
        statement=(
            f"{words.percent(bottom.share)} of {words.group(worst)} {yardstick.text} (n = {bottom.n:,}), of "
            f"{words.group(best)} {words.percent(top.share)} (n = {top.n:,}): "
            f"a gap of {100 * (top.share - bottom.share):.1f} points."
        ),
        numbers={
            "worst": worst,
            "worst_share": bottom.share,
            "worst_n": bottom.n,
            "best": best,
            "best_share": top.share,
            "best_n": top.n,
            "gap_points": 100 * (top.share - bottom.share),
            "groups": len(counts),
        },
        method=(
            f"best minus worst of {len(counts)} groups with at least {FEWEST} each; chi-square test that all are the "
            "same; Newcombe interval, its level raised for every pair of groups"
        ),
        period=scene.period,
        kpi=yardstick.kpi,
        cut=worst,
        people=bottom.n * (top.share - bottom.share),
        interval=bounds
        and Interval(low=100 * bounds.low, high=100 * bounds.high, level=level, method="newcombe, all pairs"),
    )
