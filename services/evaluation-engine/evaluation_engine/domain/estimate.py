"""A number with its interval from the measures of a period, by the kind of KPI; judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation_engine.domain import estimate_groups as groups
from evaluation_engine.domain import estimate_scores as scores
from evaluation_engine.domain import intervals, survival
from evaluation_engine.domain.estimated import Estimate, number, proportion
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.intervals import Bounds
from evaluation_engine.domain.kpi import DAY_MS
from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    DurationQuantile,
    Gap,
    Measure,
    MeasuredMean,
    NetScore,
    PerStep,
    Proportion,
    Rate,
    Ratio,
    Response,
    RestrictedMean,
    Score,
    SurvivalQuantile,
    WithinPromise,
)
from evaluation_engine.domain.sketch import RELATIVE_ERROR
from evaluation_engine.domain.survival import LifeTable

MILLI = 1000
_FINISHED_AND_WAITS = ("dur.n", "dur.sum", "wait.n", "wait.sum")


_Counted = Proportion | Response | Gap | Score | MeasuredMean | Rate | NetScore | PerStep


def estimate(measure: Measure, evidence: Evidence, level: float) -> Estimate:
    """Value and interval at `level`; n = 0 has neither."""
    found = evidence.measures
    match measure:
        case DurationMean():
            made = _duration_mean(measure.prefix, found, level)
        case DurationQuantile():
            made = _duration_quantile(measure, evidence, level)
        case WithinPromise():
            made = scores.within_promise(measure.prefix, evidence, level)
        case RestrictedMean():
            made = _restricted_mean(measure.horizon_days, evidence, level)
        case SurvivalQuantile():
            made = _survival_quantile(measure.q, evidence, level)
        case Ratio():
            made = _ratio(measure, evidence, level)
        case _:
            made = _counted(measure, evidence, level)
    return made


def _counted(measure: _Counted, evidence: Evidence, level: float) -> Estimate:
    found = evidence.measures
    match measure:
        case Proportion():
            made = proportion(number(measure.numerator, found), number(measure.denominator, found), level)
        case PerStep():
            made = _per_step(measure, evidence, level)
        case NetScore():
            made = _net_score(measure, found, level)
        case Score():
            made = scores.score(measure, found, level)
        case MeasuredMean():
            made = scores.measured_mean(measure, found, level)
        case Rate():
            made = scores.rate(measure, evidence, level)
        case Response():
            made = groups.response(measure, evidence, level)
        case Gap():
            made = groups.gap(measure, evidence, level)
    return made


def _per_step(measure: PerStep, evidence: Evidence, level: float) -> Estimate:
    found = evidence.measures
    if evidence.step is not None:
        at = f"step.{evidence.step}"
        count, n = found.get(f"{at}.{measure.numerator}", 0), found.get(f"{at}.{measure.denominator}", 0)
        return proportion(count, n, level, {"errors": found.get(f"{at}.errors", 0)})
    steps = sorted({name.rsplit(".", 1)[0].removeprefix("step.") for name in found if name.startswith("step.")})
    by_step = {
        step: {what: found.get(f"step.{step}.{what}", 0) for what in ("reached", "abandoned", "errors")}
        for step in steps
    }
    overall = measure.overall
    counts = (number(overall.numerator, found), number(overall.denominator, found))
    return proportion(*counts, level, {"steps": by_step})


def _net_score(measure: NetScore, found: Mapping[str, int], level: float) -> Estimate:
    up, down, n = measure.promoters.of(found), measure.detractors.of(found), measure.answers.of(found)
    bounds = intervals.net_promoter(up, down, n, level)
    return Estimate(
        value=100 * (up - down) / n if n else None,
        n=n,
        method="adjusted wald",
        bounds=Bounds(100 * bounds.low, 100 * bounds.high) if bounds else None,
        numerator=up - down,
        denominator=n,
        details={"promoters": up, "detractors": down},
    )


def _duration_mean(prefix: str, found: Mapping[str, int], level: float) -> Estimate:
    n, total = found.get(f"{prefix}.n", 0), found.get(f"{prefix}.sum", 0)
    bounds = intervals.mean(n, total, found.get(f"{prefix}.sumsq", 0), level, least=0.0)
    return Estimate(
        value=total / n / DAY_MS if n else None,
        n=n,
        method="t",
        bounds=Bounds(bounds.low / DAY_MS, bounds.high / DAY_MS) if bounds else None,
        numerator=total / DAY_MS,
        denominator=n,
    )


def _duration_quantile(measure: DurationQuantile, evidence: Evidence, level: float) -> Estimate:
    sketch = evidence.sketch(measure.prefix)
    value = sketch.quantile(measure.q)
    bounds = _divided(sketch.quantile_bounds(measure.q, level), measure.per) if value is not None else None
    return Estimate(
        value=value / measure.per if value is not None else None,
        n=sketch.n,
        method="order statistics",
        bounds=bounds,
        details={"relative_error": RELATIVE_ERROR},
    )


def _restricted_mean(horizon_days: int, evidence: Evidence, level: float) -> Estimate:
    table = evidence.life_table
    found = survival.restricted_mean(table, horizon_days * DAY_MS, level)
    details = _followed(table, evidence.measures)
    if found is None:
        return Estimate(None, table.started, "greenwood", details=details)
    return Estimate(
        value=found.value / DAY_MS,
        n=table.started,
        method="greenwood",
        bounds=_in_days(Bounds(found.bounds.low, found.bounds.high)),
        details={
            **details,
            "horizon_days": round(found.horizon_ms / DAY_MS, 3),
            "single_rows_within": [edge / DAY_MS for edge in found.within],
        },
    )


def _survival_quantile(q: float, evidence: Evidence, level: float) -> Estimate:
    table = evidence.life_table
    found = survival.quantile(table, q, level)
    return Estimate(
        value=found.value / DAY_MS if found.value is not None else None,
        n=table.started,
        method=found.method,
        bounds=_in_days(found.bounds) if table.started else None,
        details={**_followed(table, evidence.measures), "quantile": q, "relative_error": RELATIVE_ERROR},
    )


def _followed(table: LifeTable, found: Mapping[str, int]) -> dict[str, Any]:
    """Who was followed, the plain mean of finished cases; waits for the citizen and those handed over apart."""
    whole = _apart(table.started, *(found.get(name, 0) for name in _FINISHED_AND_WAITS))
    handed_over = (found.get(f"hand.{name}", 0) for name in ("n", *_FINISHED_AND_WAITS))
    return {
        "started": table.started,
        "open": table.open,
        "ends": dict(sorted(table.causes.items())),
        "data_faults": found.get("j.fault", 0),
        "finished_mean_days": whole["finished_mean_days"],
        "waiting_for_citizen": whole["waiting_for_citizen"],
        "handed_over": _apart(*handed_over),
    }


def _apart(started: int, finished: int, duration_ms: int, waits: int, waiting_ms: int) -> dict[str, Any]:
    return {
        "started": started,
        "finished": finished,
        "finished_mean_days": duration_ms / finished / DAY_MS if finished else None,
        "waiting_for_citizen": {"waits": waits, "days": waiting_ms / DAY_MS},
    }


def _ratio(measure: Ratio, evidence: Evidence, level: float) -> Estimate:
    found = evidence.measures
    total, n = found.get(f"{measure.total}.sum", 0), measure.count.of(found)
    parts = [(part.get(f"{measure.total}.sum", 0), measure.count.of(part)) for part in evidence.buckets]
    pairs = intervals.Pairs(
        n=len(parts),
        x=sum(x for x, _ in parts),
        y=sum(y for _, y in parts),
        xx=sum(x * x for x, _ in parts),
        yy=sum(y * y for _, y in parts),
        xy=sum(x * y for x, y in parts),
    )
    bounds = intervals.ratio(pairs, level)
    return Estimate(
        value=total / MILLI / n if n else None,
        n=n,
        method="delta",
        bounds=Bounds(bounds.low / MILLI, bounds.high / MILLI) if bounds else None,
        numerator=total / MILLI,
        denominator=n,
        details={"buckets": len(parts), "measured": found.get(f"{measure.total}.n", 0)},
    )


def _in_days(bounds: Bounds) -> Bounds:
    return _divided(bounds, DAY_MS)


def _divided(bounds: Bounds, per: int) -> Bounds:
    low, high = bounds
    return Bounds(None if low is None else low / per, None if high is None else high / per)
