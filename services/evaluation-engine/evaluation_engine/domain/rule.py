"""One shape and one state machine for everything that watches a KPI against a threshold.

Breach is strict, clear is inclusive and lies on the good side of breach. Once firing, only clear
ends it. Too few or no data never means ok and never means breach; while firing it stays firing,
marked stale. `for_` means that many further breaches after the first. Only scheduled evaluations
may be counted: whoever looks in between must not keep the state that comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from civiloop_shared.contracts.evaluations import Interval, KpiResult, ResultState
from evaluation_engine.domain.kpi import Definition

Side = Literal["below", "above"]
DecideBy = Literal["point", "lower_bound", "upper_bound"]


class Status(StrEnum):
    """What a rule says."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    FIRING_STALE = "firing_stale"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"

    @property
    def firing(self) -> bool:
        """True when it fires, stale or not."""
        return self in (Status.FIRING, Status.FIRING_STALE)


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold with hysteresis: fires when strictly beyond `breach`, rests when at `clear` or better."""

    id: str
    kpi: str
    side: Side
    breach: float
    clear: float
    cut: str = ""
    window: str = "period"
    decide_by: DecideBy = "point"
    min_sample: int = 100
    for_: int = 0
    keep_firing_for: int = 0
    no_data: Literal["keep_last", "no_data"] = "no_data"
    version: int = 1
    owner: str | None = None
    source: str = ""

    def breached(self, value: float) -> bool:
        """Strictly on the bad side."""
        return value < self.breach if self.side == "below" else value > self.breach

    def cleared(self, value: float) -> bool:
        """On the good side of clear, or at it."""
        return value >= self.clear if self.side == "below" else value <= self.clear


@dataclass(frozen=True, slots=True)
class Memory:
    """What has to be kept between two evaluations."""

    status: Status = Status.OK
    breaches: int = 0
    clears: int = 0

    def to_json(self) -> dict[str, str | int]:
        """As stored."""
        return {"status": self.status.value, "breaches": self.breaches, "clears": self.clears}

    @staticmethod
    def from_json(stored: Mapping[str, str | int] | None) -> Memory:
        """From what was stored; nothing stored is a rule that has not run yet."""
        if not stored:
            return Memory()
        return Memory(Status(str(stored["status"])), int(stored["breaches"]), int(stored["clears"]))


@dataclass(frozen=True, slots=True)
class Observation:
    """One evaluation of a rule, recorded whole."""

    rule: str
    rule_version: int
    kpi: str
    kpi_version: int
    n: int
    estimate: float | None
    interval: Interval | None
    observed: float | None
    before: Status
    after: Memory


def observe(rule: Rule, result: KpiResult, before: Memory) -> Observation:
    """Evaluate a rule on a result of its KPI and cut.

    Raises:
        ValueError: the result is of another KPI or cut.
    """
    if (result.kpi, result.cut) != (rule.kpi, rule.cut):
        raise ValueError(f"{rule.id}: this is a result of {result.kpi} {result.cut}")
    observed = decided_by(rule.decide_by, result)
    lacking = _lacking(rule, result, observed)
    after = _without(rule, before, lacking) if lacking or observed is None else advance(rule, before, observed)
    return Observation(
        rule=rule.id,
        rule_version=rule.version,
        kpi=result.kpi,
        kpi_version=result.definition_version,
        n=result.n,
        estimate=result.value,
        interval=result.interval,
        observed=observed,
        before=before.status,
        after=after,
    )


def without_result(rule: Rule, before: Memory) -> Memory:
    """The next state where there is no result at all."""
    return _without(rule, before, Status.NO_DATA)


def decided_by(decide_by: DecideBy, result: KpiResult) -> float | None:
    """The number that is compared: the point, or an end of the interval; None where there is none."""
    if decide_by == "point":
        return result.value
    if result.interval is None:
        return None
    return result.interval.low if decide_by == "lower_bound" else result.interval.high


def _lacking(rule: Rule, result: KpiResult, observed: float | None) -> Status | None:
    """Why the rule can't be decided, if so."""
    if result.state is ResultState.TOO_FEW:
        return Status.INSUFFICIENT
    if result.state not in (ResultState.OK, ResultState.NOT_REACHED):
        return Status.NO_DATA
    return Status.INSUFFICIENT if result.n < rule.min_sample or observed is None else None


def advance(rule: Rule, before: Memory, value: float) -> Memory:
    """The next state for a value that may be judged."""
    if before.status.firing:
        return _still_firing(rule, before, value)
    if not rule.breached(value):
        return Memory(Status.OK)
    breaches = before.breaches + 1
    return Memory(Status.FIRING if breaches > rule.for_ else Status.PENDING, breaches)


def _still_firing(rule: Rule, before: Memory, value: float) -> Memory:
    if not rule.cleared(value):
        return Memory(Status.FIRING, before.breaches)
    clears = before.clears + 1
    return Memory(Status.OK) if clears > rule.keep_firing_for else Memory(Status.FIRING, before.breaches, clears)


def _without(rule: Rule, before: Memory, lacking: Status | None) -> Memory:
    """The next state where nothing may be judged; `keep_last` remembers the breaches counted so far."""
    if before.status.firing:
        return Memory(Status.FIRING_STALE, before.breaches, before.clears)
    kept = before.breaches if rule.no_data == "keep_last" else 0
    return Memory(lacking or Status.INSUFFICIENT, kept)


def faults(rules: Iterable[Rule], definitions: Mapping[str, Definition]) -> list[str]:
    """Everything that keeps rules from being loaded, one sentence each."""
    found: list[str] = []
    ids: set[str] = set()
    contents: dict[tuple[object, ...], str] = {}
    for rule in rules:
        if rule.id in ids:
            found.append(f"{rule.id}: there is another rule of this id")
        ids.add(rule.id)
        content = (rule.kpi, rule.cut, rule.window, rule.side, rule.breach, rule.decide_by)
        other = contents.setdefault(content, rule.id)
        if other != rule.id:
            found.append(f"{rule.id}: says the same as {other}")
        found.extend(f"{rule.id}: {fault}" for fault in _faults_of(rule, definitions.get(rule.kpi)))
    return found


def _faults_of(rule: Rule, definition: Definition | None) -> Iterable[str]:
    if definition is None:
        yield f"unknown KPI {rule.kpi}"
    else:
        low, high = definition.scale
        if rule.side == "below" and rule.breach <= low:
            yield f"can never fire: nothing is below {rule.breach:g} {definition.unit}"
        if rule.side == "above" and high is not None and rule.breach >= high:
            yield f"can never fire: nothing is above {rule.breach:g} {definition.unit}"
        if rule.side == "below" and high is not None and rule.clear > high:
            yield f"could never end: nothing reaches {rule.clear:g} {definition.unit}"
        if rule.side == "above" and rule.clear < low:
            yield f"could never end: nothing gets down to {rule.clear:g} {definition.unit}"
    if rule.breached(rule.clear):
        yield f"clear {rule.clear:g} lies on the bad side of breach {rule.breach:g}"
    if rule.min_sample < 1 or rule.for_ < 0 or rule.keep_firing_for < 0:
        yield "min_sample is at least 1, for and keep_firing_for at least 0"
