"""Everything a service is measured by, as the catalogue says it: KPIs, cuts, targets, benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from evaluation_engine.domain.burn import Watch
from evaluation_engine.domain.estimate_scores import PROMISED
from evaluation_engine.domain.goal import Goal
from evaluation_engine.domain.kpi import Definition, Need
from evaluation_engine.domain.packs import ALL, BY_ID
from evaluation_engine.domain.redesign.benchmark import Benchmark, Combination, Criterion, Limit
from evaluation_engine.domain.target import Target
from evaluation_engine.domain.times import Times
from evaluation_engine.ports.catalogue import StoredCatalogue
from evaluation_engine.service.catalogue import documents
from evaluation_engine.service.catalogue.documents import (
    BenchmarkDocument,
    Cycle,
    GoalDocument,
    ServiceDocument,
    TargetDocument,
)
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument, definition_from
from evaluation_engine.service.catalogue.use import kpis_in_use

OTHER = "other"
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Yardstick:
    """One service with all that is needed to evaluate it."""

    document: ServiceDocument
    body: str
    catalogue_version: int
    targets: tuple[Target, ...]
    benchmarks: tuple[Benchmark, ...]
    own: Mapping[str, Definition] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    watches: tuple[Watch, ...] = ()

    @property
    def service(self) -> str:
        """Id of the service."""
        return self.document.id

    @property
    def zone(self) -> str:
        """The zone whose days and months it counts by."""
        return self.document.zone

    @property
    def cycle(self) -> Cycle | Times:
        """How often it is evaluated."""
        own = self.document.evaluation_times
        if own is None:
            return self.document.evaluation_cycle
        return Times(own.cron, own.zone or self.zone, frozenset(own.holidays), own.on_holiday)

    @property
    def silent_after_ms(self) -> int:
        """How long a source of journeys or measurements may say nothing."""
        return self.document.silent_after_days * _DAY_MS

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """KPIs in use, in the order of the scorecard."""
        used = kpis_in_use(self.document)
        return tuple(one for one in (*ALL, *self.own.values()) if one.id in used)

    @cached_property
    def known(self) -> Mapping[str, Definition]:
        """Every KPI there is for this service, in use or not."""
        return {**BY_ID, **self.own}

    @property
    def own_versions(self) -> list[tuple[str, int]]:
        """KPIs of the body's own that are in use, with their versions: an edit makes other numbers of the same data."""
        return [(one.id, one.version) for one in self.definitions if one.id in self.own]

    @property
    def settings(self) -> dict[str, str]:
        """What else results depend on."""
        return settings_of(self.document)

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """What the KPIs in use need to arrive."""
        return tuple(dict.fromkeys(need for definition in self.definitions for need in definition.needs))

    @cached_property
    def channel_cuts(self) -> dict[str, str]:
        """Cut of each channel, by channel."""
        return {channel.value: f"channel={channel.value}" for channel in self.document.channels}

    def cuts_by(self, dimension: str) -> tuple[str, ...]:
        """Return the cuts of one dimension (``channel``, ``language``, ``assisted``, ``step``, ``segment.<name>``)."""
        document = self.document
        values: Iterable[str]
        if dimension == "channel":
            return tuple(self.channel_cuts.values())
        if dimension == "language":
            values = (*document.languages, OTHER)
        elif dimension == "assisted":
            values = ("yes", "no")
        elif dimension == "step":
            values = (*document.steps, OTHER)
        else:
            values = (*document.segments.get(dimension.removeprefix("segment."), ()), OTHER)
        return tuple(f"{dimension}={value}" for value in values)

    def groups_of(self, definition: Definition) -> tuple[str, ...]:
        """Return the cuts whose numbers a KPI compares with each other."""
        found: list[str] = []
        for dimension in definition.compared_by:
            segments = tuple(f"segment.{one}" for one in self.document.segments)
            for name in segments if dimension == "segment" else (dimension,):
                found.extend(self.cuts_by(name))
        return tuple(found)

    def dimensions_of(self, definition: Definition) -> tuple[str, ...]:
        """Return the dimensions that a KPI is cut by here: ``segment`` stands for each declared segment."""
        found: list[str] = []
        for dimension in definition.dimensions:
            if dimension == "segment":
                found.extend(f"segment.{name}" for name in self.document.segments)
            elif dimension != "step" or self.document.steps:
                found.append(dimension)
        return tuple(found)


def own_definitions(catalogue: StoredCatalogue) -> dict[str, Definition]:
    """Return the KPIs that a body defines itself, by id."""
    found = (
        (name, documents.from_json(name[0], dict(data)))
        for name, data in sorted(catalogue.documents.items())
        if name[0] == "kpi"
    )
    return {
        one.id: definition_from(one, catalogue.changed_in.get(name, 1))
        for name, one in found
        if isinstance(one, KpiDocument)
    }


def yardsticks(body: str, catalogue: StoredCatalogue) -> dict[str, Yardstick]:
    """Return what every service of a body's catalogue is measured by."""
    parsed = {name: documents.from_json(name[0], dict(data)) for name, data in catalogue.documents.items()}
    own = own_definitions(catalogue)
    all_targets = [one for one in parsed.values() if isinstance(one, TargetDocument)]
    all_benchmarks = [one for one in parsed.values() if isinstance(one, BenchmarkDocument)]
    all_goals = [one for one in parsed.values() if isinstance(one, GoalDocument)]
    by_service: dict[str, list[TargetDocument]] = {}
    for target in all_targets:
        by_service.setdefault(target.service, []).append(target)
    found: dict[str, Yardstick] = {}
    for document in parsed.values():
        if not isinstance(document, ServiceDocument):
            continue
        targets = by_service.get(document.id, [])
        benchmarks = (one for one in all_benchmarks if document.id in one.services)
        found[document.id] = Yardstick(
            document=document,
            body=body,
            catalogue_version=catalogue.version,
            own=own,
            targets=tuple(sorted((target_of(one) for one in targets), key=lambda one: one.id)),
            benchmarks=tuple(
                sorted(
                    (benchmark_of(one, catalogue.changed_in.get(("benchmark", one.id), 1)) for one in benchmarks),
                    key=lambda one: one.id,
                )
            ),
            goals=tuple(sorted(_goals(document.id, all_goals, all_targets), key=lambda one: one.id)),
            watches=tuple(_watches(targets, {**BY_ID, **own}, settings_of(document))),
        )
    return found


def settings_of(document: ServiceDocument) -> dict[str, str]:
    """Return what else the results of a service depend on."""
    promised = document.promised_days
    return {"currency": document.currency, **({PROMISED: repr(promised)} if promised else {})}


def _watches(
    targets: Iterable[TargetDocument], known: Mapping[str, Definition], settings: Mapping[str, str]
) -> Iterable[Watch]:
    """Yield the targets that are watched by the burn of their error budget."""
    for document in sorted(targets, key=lambda one: one.id):
        definition = known.get(document.kpi)
        if document.burn_rate is not None and definition is not None:
            yield Watch(target_of(document), definition, document.burn_rate.min_sample, settings)


def _goals(service: str, goals: Iterable[GoalDocument], targets: Iterable[TargetDocument]) -> Iterable[Goal]:
    """Yield the goals of a service with the targets that were set for each."""
    for document in goals:
        if document.service == service:
            yield Goal(
                id=document.id,
                outcome=document.outcome.value,
                statement=document.statement,
                kpis=document.kpis,
                targets=tuple(sorted(one.id for one in targets if one.goal == document.id)),
                owner=document.owner,
            )


def target_of(document: TargetDocument) -> Target:
    """Return a target as the rule that judges it needs it."""
    at_least = document.at_least is not None
    return Target(
        id=document.id,
        kpi=document.kpi,
        comparison="at_least" if at_least else "at_most",
        threshold=float(document.at_least if document.at_least is not None else document.at_most or 0.0),
        origin=document.origin,
        cut=document.scope.cut(),
        confidence=document.confidence,
        by=document.by,
        review_by=document.review_by,
    )


def benchmark_of(document: BenchmarkDocument, version: int) -> Benchmark:
    """Return a benchmark as the rule that decides "redesign" needs it."""
    return Benchmark(
        id=document.id,
        title=document.title,
        criteria=tuple(_criterion(one) for one in document.criteria),
        source=document.source,
        version=version,
        redesign_when=_combination(document.redesign_when),
        reimplement_when=_combination(document.reimplement_when),
        owner=document.owner,
        approved_by=document.approved_by,
        approved_on=document.approved_on,
        review_by=document.review_by,
    )


def _criterion(one: documents.Criterion) -> Criterion:
    return Criterion(
        id=one.id,
        kpi=one.kpi,
        source=one.source,
        cut=one.scope.cut(),
        critical=one.critical,
        weight=one.weight,
        goal=one.goal,
        redesign=_limit(one.redesign),
        reimplement=_limit(one.reimplement),
        decide_by=one.decide_by,
        min_sample=one.min_sample,
        for_=one.for_,
        keep_firing_for=one.keep_firing_for,
        no_data=one.no_data,
    )


def _limit(one: documents.Limit | None) -> Limit | None:
    return Limit(one.breach_when, one.threshold, one.clears_at) if one else None


def _combination(one: documents.Combination) -> Combination:
    return Combination(one.rule, one.k, one.share)
