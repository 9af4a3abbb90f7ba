"""An honest result: a value, or the reason why there is none, with all that is needed to judge it.

No answers is never 0. A zero numerator over a real denominator is 0, provided what the numerator
needs has ever arrived and its source is not silent.
"""

from __future__ import annotations

from collections.abc import Mapping

from civiloop_shared.contracts.evaluations import Interval, KpiResult, Period, ResultState
from evaluation_engine.domain.estimate import estimate
from evaluation_engine.domain.estimate_scores import PROMISED
from evaluation_engine.domain.estimated import Estimate
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.intervals import LEVEL
from evaluation_engine.domain.kpi import Definition, Need
from evaluation_engine.domain.kpi_measures import (
    Gap,
    PerStep,
    Rate,
    Ratio,
    Share,
    SurvivalQuantile,
    WithinPromise,
)
from evaluation_engine.domain.repeated import estimate_repeated


def evaluate(
    definition: Definition, evidence: Evidence, *, level: float = LEVEL, repeated_looks: bool = False
) -> KpiResult:
    """One KPI over one period and cut; the period is a run where it is looked at again and again."""
    measure = definition.measure
    found = (estimate_repeated if repeated_looks else estimate)(measure, evidence, level)
    state, reason = _state(definition, evidence, found)
    shown = state in (ResultState.OK, ResultState.NOT_REACHED)
    eligible = _eligible(definition, evidence, found.n)
    return KpiResult(
        kpi=definition.id,
        definition_version=definition.version,
        state=state,
        reason=reason,
        value=found.value if state is ResultState.OK else None,
        unit=_unit(definition, evidence.settings),
        direction=definition.direction,
        n=found.n,
        eligible=eligible,
        response_rate=found.n / eligible if eligible else None,
        interval=_interval(found, level) if shown else None,
        numerator=found.numerator if shown or state is ResultState.REFUSED else None,
        denominator=found.denominator if shown or state is ResultState.REFUSED else None,
        period=Period(start=instant(evidence.start_ms), end=instant(evidence.end_ms), zone=evidence.zone),
        cut=evidence.cut,
        minimum_to_show=definition.minimum_to_show,
        minimum_to_judge=definition.minimum_to_judge,
        for_repeated_looks=repeated_looks,
        channels_reporting=evidence.channels_reporting,
        channels_expected=evidence.channels_expected,
        complete_until=None if evidence.complete_until_ms is None else instant(evidence.complete_until_ms),
        details={**found.details, **_published(definition, found.value)} if shown else {},
    )


def not_yet(definition: Definition, settings: Mapping[str, str], period: Period, cut: str, reason: str) -> KpiResult:
    """The result of a period that has not been evaluated."""
    return KpiResult(
        kpi=definition.id,
        definition_version=definition.version,
        state=ResultState.NO_DATA,
        reason=reason,
        unit=_unit(definition, settings),
        direction=definition.direction,
        n=0,
        period=period,
        cut=cut,
        minimum_to_show=definition.minimum_to_show,
        minimum_to_judge=definition.minimum_to_judge,
    )


def _unit(definition: Definition, settings: Mapping[str, str]) -> str:
    return settings.get("currency", definition.unit) if definition.unit == "currency" else definition.unit


def _published(definition: Definition, value: float | None) -> dict[str, str]:
    """The figure as the official definition rounds it, never across a level, and the level that it reaches."""
    found: dict[str, str] = {}
    if value is None:
        return found
    if definition.decimals is not None:
        nearest = min((level.threshold for level in definition.levels), key=lambda t: abs(t - value), default=None)
        found["published"] = display(value, nearest, definition.decimals)
    if definition.levels:
        reached = (level.name for level in definition.levels if level.reached(value, definition.direction))
        found["level"] = next(reached, definition.below_levels)
    return found


def display(value: float, threshold: float | None = None, decimals: int = 1) -> str:
    """Rounded for people, with as many digits as it takes not to contradict the threshold: 7.96 of 8 is not 8.0."""
    for digits in range(decimals, 13):
        text = f"{value:.{digits}f}"
        shown = float(text)
        if threshold is None or (
            (shown < threshold) == (value < threshold) and (shown > threshold) == (value > threshold)
        ):
            return text.removeprefix("-") if shown == 0 else text
    return repr(value)


def _state(definition: Definition, evidence: Evidence, found: Estimate) -> tuple[ResultState, str | None]:
    needs = _needs(definition, evidence)
    never = [need for need in needs if evidence.sources.never(need)]
    if needs[0] in never or (never and isinstance(definition.measure, Ratio | Rate)):
        return ResultState.NOT_MEASURED, f"never arrived: {_named(never)}"
    if never and found.n:
        return ResultState.STALE, f"never arrived: {_named(never)}"
    silent = [need for need in needs if evidence.sources.silent(need, needs, evidence.seen_until_ms)]
    if silent:
        return ResultState.STALE, f"the source is silent: {_named(silent)}"
    return _from_numbers(definition, evidence, found)


def _from_numbers(definition: Definition, evidence: Evidence, found: Estimate) -> tuple[ResultState, str | None]:
    measure = definition.measure
    if isinstance(measure, WithinPromise) and PROMISED not in evidence.settings:
        return ResultState.NOT_MEASURED, f"the service does not say what it promises ({PROMISED})"
    if isinstance(measure, Ratio | Rate) and not found.details["measured"]:
        return ResultState.STALE, "nothing was reported for this period of what is divided"
    if found.n == 0:
        return ResultState.NO_DATA, "nothing to count in this period"
    count, of = found.numerator or 0, found.denominator or 0
    a_share = isinstance(measure, Share) or (isinstance(measure, Rate) and measure.of_time)
    if a_share and not 0 <= count <= of:
        return ResultState.REFUSED, f"{count:.0f} of {of:.0f} is no share: events are missing or counted twice"
    if found.n < definition.minimum_to_show:
        return ResultState.TOO_FEW, f"{found.n} of at least {definition.minimum_to_show}"
    return _from_value(definition, found)


def _from_value(definition: Definition, found: Estimate) -> tuple[ResultState, str | None]:
    if found.value is not None:
        return ResultState.OK, None
    if isinstance(definition.measure, SurvivalQuantile):
        share = 100 * definition.measure.q
        return ResultState.NOT_REACHED, f"fewer than {share:.0f} % have been fulfilled in the time they were followed"
    if isinstance(definition.measure, Gap):
        return ResultState.TOO_FEW, "fewer than two groups are large enough"
    if isinstance(definition.measure, Rate):
        return ResultState.NO_DATA, "nothing to divide by in this period"
    return ResultState.NO_DATA, "nobody was followed long enough"


def _needs(definition: Definition, evidence: Evidence) -> tuple[Need, ...]:
    """What has to arrive; steps only where the cut names one."""
    if isinstance(definition.measure, PerStep) and evidence.step is None:
        return tuple(need for need in definition.needs if need.name != "step")
    return definition.needs


def _named(needs: list[Need]) -> str:
    return "; ".join(need.fields for need in needs)


def _interval(found: Estimate, level: float) -> Interval | None:
    if found.bounds is None:
        return None
    return Interval(low=found.bounds.low, high=found.bounds.high, level=level, method=found.method)


def _eligible(definition: Definition, evidence: Evidence, n: int) -> int | None:
    """Those who could have answered: whose journey was completed in the period, where that is known and plausible."""
    completed = evidence.measures.get("e.completed", 0)
    return completed if definition.anchor == "answer" and completed >= n > 0 else None
