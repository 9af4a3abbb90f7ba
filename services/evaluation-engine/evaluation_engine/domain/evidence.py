"""What one result is computed from: merged measures of a period and cut, and what arrives at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from evaluation_engine.domain.cohort import Cohort
from evaluation_engine.domain.kpi import Need
from evaluation_engine.domain.sketch import Sketch
from evaluation_engine.domain.survival import LifeTable, life_table


@dataclass(frozen=True, slots=True)
class Sources:
    """When each thing a service must send last arrived, by the name of the need; absent means never.

    `silent_after_ms` is how long a source of journeys or measurements may say nothing; None: for ever.
    """

    last_seen_ms: Mapping[str, int]
    silent_after_ms: int | None = None

    @staticmethod
    def of(
        buckets: Iterable[tuple[int, Mapping[str, int]]], needs: Iterable[Need], silent_after_ms: int | None = None
    ) -> Sources:
        """From buckets (their end, their measures of the cut "") of as long as is known."""
        wanted = {need.name: need for need in needs}
        seen: dict[str, int] = {}
        passed: set[str] = set()
        for end_ms, measures in sorted(buckets, key=lambda bucket: -bucket[0]):
            fresh = {name: n for name in measures.keys() - passed if (n := measures[name]) > 0}
            passed.update(fresh)
            arrived = [name for name, need in wanted.items() if need.arrives_in(fresh)]
            for name in arrived:
                seen[name] = end_ms
                del wanted[name]
            if not wanted:
                break
        return Sources(seen, silent_after_ms)

    def never(self, need: Need) -> bool:
        """True when it has never arrived."""
        return need.name not in self.last_seen_ms

    def silent(self, need: Need, related: Iterable[Need], at_ms: int) -> bool:
        """True when its source has said nothing for too long; answers may stay away, that is no silence.

        The source of journeys speaks by any of its events, so an outage with starts and no
        completions is not silence.
        """
        if need.source == "feedback" or self.silent_after_ms is None:
            return False
        of_source = [need, *(n for n in related if n.source == need.source and need.source == "journeys")]
        last = max((self.last_seen_ms.get(n.name, 0) for n in of_source), default=0)
        return last < at_ms - self.silent_after_ms


@dataclass(frozen=True)
class Evidence:
    """Everything about one service, period and cut that a definition is evaluated on.

    `measures` is the sum over the period. `buckets` are its parts, needed by ratios for their
    interval. `cohorts` are its start days, needed by survival. `as_of_ms` is now, or what an import
    observed until. `step` narrows a per-step KPI, whose numbers lie in the cut without the step.
    `groups` are the sums of single cuts, for KPIs that compare groups.
    """

    start_ms: int
    end_ms: int
    zone: str
    as_of_ms: int
    measures: Mapping[str, int]
    sources: Sources
    cut: str = ""
    step: str | None = None
    buckets: tuple[Mapping[str, int], ...] = ()
    cohorts: tuple[Cohort, ...] = ()
    channels_reporting: tuple[str, ...] = ()
    channels_expected: tuple[str, ...] = ()
    complete_until_ms: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    _sketches: dict[str, Sketch] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def life_table(self) -> LifeTable:
        """The survival table of the cohorts, made once for all KPIs."""
        return life_table(self.cohorts, self.as_of_ms)

    def sketch(self, prefix: str) -> Sketch:
        """The durations or samples of that name, sorted once for all KPIs."""
        if prefix not in self._sketches:
            self._sketches[prefix] = Sketch.of(self.measures, prefix)
        return self._sketches[prefix]

    @property
    def seen_until_ms(self) -> int:
        """End of the part of the period that lies in the past."""
        return min(self.end_ms, self.as_of_ms)


def stored_cut(cut: str, *, per_step: bool) -> tuple[str, str | None]:
    """Where the measures of a cut are kept, and the step it names; only per-step KPIs take the step out of it."""
    if not per_step:
        return cut, None
    parts = cut.split("|") if cut else []
    steps = [part.removeprefix("step=") for part in parts if part.startswith("step=")]
    return "|".join(part for part in parts if not part.startswith("step=")), steps[0] if steps else None
