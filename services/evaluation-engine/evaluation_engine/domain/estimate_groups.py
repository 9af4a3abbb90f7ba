"""What compares groups of people: the gap between best and worst served, and who answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evaluation_engine.domain import intervals
from evaluation_engine.domain.estimated import Estimate, number, proportion
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.intervals import Bounds
from evaluation_engine.domain.kpi_measures import Gap, Response

_OTHER = "=other"


class _Group(NamedTuple):
    cut: str
    hits: float
    n: float

    @property
    def share(self) -> float:
        return self.hits / self.n


def gap(measure: Gap, evidence: Evidence, level: float) -> Estimate:
    """Difference of best and worst group in points of %, over the declared dimension where it is largest.

    `n` is the size of the smaller of the two; where fewer than two groups are large enough, of the second largest.
    The pair is picked because it differs most, so details has the interval that allows for all pairs (Bonferroni).
    """
    by_dimension: dict[str, list[_Group]] = {}
    for cut, found in evidence.groups.items():
        group = _Group(cut, number(measure.of.numerator, found), number(measure.of.denominator, found))
        if cut.startswith(measure.dimension) and not cut.endswith(_OTHER) and 0 <= group.hits <= group.n > 0:
            by_dimension.setdefault(cut.partition("=")[0], []).append(group)
    compared = {name: [one for one in groups if one.n >= measure.least] for name, groups in by_dimension.items()}
    usable = {name: sorted(groups, key=_rank) for name, groups in sorted(compared.items()) if len(groups) > 1}
    if not usable:
        sizes = [sorted((one.n for one in groups), reverse=True) for groups in by_dimension.values()]
        return Estimate(None, max((int(found[1]) for found in sizes if len(found) > 1), default=0), "newcombe")
    name, groups = max(usable.items(), key=lambda one: one[1][-1].share - one[1][0].share)
    left_out = sorted(one.cut for one in by_dimension[name] if one.n < measure.least)
    return _between(groups, level, left_out)


def _rank(group: _Group) -> tuple[float, str]:
    return group.share, group.cut


def _between(groups: list[_Group], level: float, left_out: list[str]) -> Estimate:
    worst, best = groups[0], groups[-1]
    pairs = len(groups) * (len(groups) - 1) // 2
    counts = (best.hits, best.n, worst.hits, worst.n)
    bounds = _points(intervals.newcombe(*counts, level))
    allowing = _points(intervals.newcombe(*counts, 1 - (1 - level) / pairs))
    return Estimate(
        value=100 * (best.share - worst.share),
        n=int(min(best.n, worst.n)),
        method="newcombe",
        bounds=bounds,
        details={
            "best": _shown(best),
            "worst": _shown(worst),
            "groups": len(groups),
            "left_out": left_out,
            "interval_for_all_pairs": {"low": allowing.low, "high": allowing.high} if allowing else None,
        },
    )


def _points(found: intervals.Closed | None) -> Bounds | None:
    return Bounds(100 * found.low, 100 * found.high) if found else None


def _shown(group: _Group) -> dict[str, Any]:
    return {"group": group.cut, "value": 100 * group.share, "n": int(group.n)}


def response(measure: Response, evidence: Evidence, level: float) -> Estimate:
    """Share of people who answered, with how far respondents differ from users by each dimension.

    `difference` is the share of respondents that would have to belong to other groups to mirror the users: half the
    sum of absolute differences, 0 (alike) to 1.
    """
    answers, eligible = measure.answers.of(evidence.measures), measure.eligible.of(evidence.measures)
    by_dimension: dict[str, dict[str, tuple[int, int]]] = {}
    for cut, found in sorted(evidence.groups.items()):
        counts = (measure.answers.of(found), measure.eligible.of(found))
        if any(counts):
            name, _, value = cut.partition("=")
            by_dimension.setdefault(name, {})[value] = counts
    details = {"representative": {name: _difference(groups) for name, groups in by_dimension.items()}}
    return proportion(answers, eligible, level, details)


def _difference(groups: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    answers, eligible = (sum(counts) for counts in zip(*groups.values(), strict=True))
    apart = sum(abs(a / answers - e / eligible) for a, e in groups.values()) / 2 if answers and eligible else None
    return {
        "difference": apart,
        "groups": {name: {"answers": a, "users": e} for name, (a, e) in groups.items()},
    }
