"""Whom a result counts: people, the sum of their answers, and a mark of all that is computed of them."""

from __future__ import annotations

from hashlib import blake2b

from civiloop_shared.contracts.evaluations import KpiResult
from evaluation_engine.domain.disclosure.editions import Count
from evaluation_engine.domain.disclosure.tables import MINIMUM, Scale
from evaluation_engine.domain.estimate_scores import within_promise
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.intervals import LEVEL
from evaluation_engine.domain.kpi_measures import (
    Gap,
    Measure,
    MeasuredMean,
    NetScore,
    PerStep,
    Proportion,
    Rate,
    Ratio,
    Response,
    Score,
    Sum,
    Terms,
    WithinPromise,
)


def scale_of(measure: Measure) -> Scale | None:
    """Between which whole numbers each person's answer lies, None where only people are counted."""
    match measure:
        case PerStep() | WithinPromise() | Response():
            return 0, 1
        case Proportion() if _counts_people(measure.numerator) and _counts_people(measure.denominator):
            return 0, 1
        case NetScore():
            return -1, 1
        case Score():
            points = [each for _, each in measure.points]
            return min(points), max(points)
        case _:
            return None


def _counts_people(of: Sum) -> bool:
    """Whether a sum is of people, each of them once: nothing measured, nothing weighted."""
    people = not any(name.startswith("m.") or name.endswith(".errors") for name in of.names)
    return people and (isinstance(of, Terms) or all(abs(factor) == 1 for factor, _ in of.parts))


def total_only(measure: Measure) -> bool:
    """Whether nothing is known of what each person adds, so that no group can be shown beside another."""
    match measure:
        case Proportion():
            return scale_of(measure) is None and not _measured(measure.numerator)
        case Rate():
            return not measure.of_time and not _measured(measure.numerator)
        case _:
            return False


def _measured(of: Sum) -> bool:
    return all(name.startswith("m.") for name in of.names)


def counted(measure: Measure, evidence: Evidence, result: KpiResult) -> Count:
    """One cell. What is divided or measured beside the people (costs, durations of machines) is nobody's secret."""
    scaled = scale_of(measure) is not None
    open_ = result.details.get("open")
    return Count(
        n=result.n,
        score=_score(measure, evidence) if scaled else None,
        moved=result.n - int(open_) if open_ is not None else None,
        mark="" if _beside_people(measure) else _mark(result),
        alike=_alike(measure, evidence, result.n),
    )


def _beside_people(measure: Measure) -> bool:
    return isinstance(measure, Ratio | MeasuredMean) or (isinstance(measure, Rate) and not total_only(measure))


def _mark(result: KpiResult) -> str:
    interval = result.interval
    told = (result.value, result.numerator, interval and (interval.low, interval.high))
    return blake2b(repr(told).encode(), digest_size=6).hexdigest()


def _score(measure: Measure, evidence: Evidence) -> int:
    found = evidence.measures
    match measure:
        case Proportion():
            return int(measure.numerator.of(found))
        case PerStep():
            return int(measure.overall.numerator.of(found))
        case Response():
            return measure.answers.of(found)
        case WithinPromise():
            return int(within_promise(measure.prefix, evidence, LEVEL).numerator or 0)
        case NetScore():
            return measure.promoters.of(found) - measure.detractors.of(found)
        case Score():
            return sum(points * found.get(name, 0) for name, points in measure.points)
        case _:
            raise TypeError(f"{type(measure).__name__} has no answers on a scale")


def _alike(measure: Measure, evidence: Evidence, n: int) -> bool:
    """Whether all said the same somewhere between the ends of the scale; at its ends the sum tells."""
    found = evidence.measures
    if isinstance(measure, Score):
        return n in [found.get(name, 0) for name, _ in measure.points]
    if isinstance(measure, NetScore):
        return not measure.promoters.of(found) and not measure.detractors.of(found)
    return False


def compares_few(measure: Measure, evidence: Evidence) -> bool:
    """Whether a gap is between groups of a dimension with a small one, or one all of whom are alike, among them.

    Also those of whom the group isn't known are one.
    """
    if not isinstance(measure, Gap):
        return False
    numerator, denominator = measure.of.numerator, measure.of.denominator
    everybody = int(denominator.of(evidence.measures))
    groups: dict[str, list[tuple[int, int]]] = {}
    for cut, found in evidence.groups.items():
        groups.setdefault(cut.partition("=")[0], []).append((int(denominator.of(found)), int(numerator.of(found))))
    return any(
        0 < everybody - sum(n for n, _ in counts) < MINIMUM
        or any(0 < n < MINIMUM or (n > 0 and hits in (0, n)) for n, hits in counts)
        for counts in groups.values()
    )
