"""Rules that one document can't know by itself: does what it names exist, and does it make sense there?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Literal

from evaluation_engine.domain.packs import PACKS
from evaluation_engine.errors import CatalogueFault
from evaluation_engine.service.catalogue.burn_references import check_burn_rate
from evaluation_engine.service.catalogue.documents import (
    AnyDocument,
    BenchmarkDocument,
    BodyDocument,
    Criterion,
    GoalDocument,
    Limit,
    Scope,
    ServiceDocument,
    TargetDocument,
)
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument
from evaluation_engine.service.catalogue.kpi_references import missing_for
from evaluation_engine.service.catalogue.reach import check_limit, check_threshold, check_where, limits_of_kpi
from evaluation_engine.service.catalogue.reading import Located, Path
from evaluation_engine.service.catalogue.use import kpis_in_use

Documents = Mapping[tuple[str, str], AnyDocument | None]
"""All documents by kind and id; None for one that is there and has faults of its own."""
Directions = Mapping[str, Literal["up", "down"]]
_Faults = Iterator[CatalogueFault]


def check_references(document: AnyDocument, place: Located, documents: Documents, kpis: Directions) -> _Faults:
    """Yield every fault of one document against all others and the known KPIs."""
    match document:
        case BodyDocument():
            return
        case ServiceDocument():
            yield from _service(document, place, documents, kpis)
        case KpiDocument():
            yield from _own_kpi(document, place, documents)
        case GoalDocument():
            yield from _goal(document, place, documents, kpis)
        case TargetDocument():
            yield from _target(document, place, documents, kpis)
        case BenchmarkDocument():
            yield from _benchmark(document, place, documents, kpis)


def check_names(place: Located, documents: Documents, kpis: Directions) -> _Faults:
    """Yield what is wrong with the services and KPIs that a document names although it has other faults as well."""
    for path in place.lines:
        if not path:
            continue
        value: object = place.data
        for part in path:
            value = value[part]  # type: ignore[index]
        named = path[-1] if isinstance(path[-1], str) else path[-2]
        if not isinstance(value, str):
            continue
        if named in ("kpi", "kpis"):
            yield from _kpi(value, place, path, kpis)
        elif path == ("service",) or path[0] == "services":
            yield from _service_named(value, place, path, documents)


def _service_kpis(service: ServiceDocument, place: Located, documents: Documents, kpis: Directions) -> _Faults:
    for index, kpi in enumerate(service.kpis):
        yield from _kpi(kpi, place, ("kpis", index), kpis)
        own = documents.get(("kpi", kpi))
        if isinstance(own, KpiDocument):
            yield from (place.fault(("kpis", index), reason) for reason in missing_for(own, service))
    for index, pack in enumerate(service.packs):
        if pack not in PACKS:
            yield place.fault(("packs", index), f"must be one of {', '.join(PACKS)}")


def _service(service: ServiceDocument, place: Located, documents: Documents, kpis: Directions) -> _Faults:
    yield from _service_kpis(service, place, documents, kpis)
    for index, channel in enumerate(service.digital_channels):
        if channel not in service.channels and ("digital_channels",) in place.lines:
            yield place.fault(("digital_channels", index), f"{channel.value} is not among the channels")
    for name in ("kpis", "packs", "languages", "channels", "digital_channels", "steps"):
        values = getattr(service, name)
        yield from (place.fault((name, index), "stands twice") for index, v in enumerate(values) if v in values[:index])
    ids = [question.id for question in service.questions]
    for index, one in enumerate(ids):
        if one in ids[:index]:
            yield place.fault(("questions", index, "id"), "another question has this id")
    for language in service.languages:
        if language not in service.title:
            yield place.warning(("title",), f"no title in {language}, a language of the service")


def _own_kpi(kpi: KpiDocument, place: Located, documents: Documents) -> _Faults:
    services = [one for one in documents.values() if isinstance(one, ServiceDocument)]
    if not any(kpi.id in service.kpis for service in services):
        yield place.warning(("id",), "no service uses this KPI")


def _goal(goal: GoalDocument, place: Located, documents: Documents, kpis: Directions) -> _Faults:
    service = documents.get(("service", goal.service))
    yield from _service_named(goal.service, place, ("service",), documents)
    for index, kpi in enumerate(goal.kpis):
        yield from _kpi(kpi, place, ("kpis", index), kpis)
        if isinstance(service, ServiceDocument):
            yield from _in_use(kpi, service, place, ("kpis", index))
    if not goal.kpis:
        yield place.warning((), "no KPI measures this goal; nobody will see whether it is reached")


def _target(target: TargetDocument, place: Located, documents: Documents, kpis: Directions) -> _Faults:
    yield from _service_named(target.service, place, ("service",), documents)
    yield from _kpi(target.kpi, place, ("kpi",), kpis)
    service = documents.get(("service", target.service))
    if isinstance(service, ServiceDocument):
        yield from _in_use(target.kpi, service, place, ("kpi",))
        yield from _scope(target.scope, service, place, ("scope",))
    yield from check_where(target.kpi, target.scope, documents, place, ("scope",))
    goal = documents.get(("goal", target.goal)) if target.goal else None
    if target.goal and ("goal", target.goal) not in documents:
        yield place.fault(("goal",), "there is no such goal")
    elif isinstance(goal, GoalDocument) and goal.service != target.service:
        yield place.fault(("goal",), f"this goal belongs to the service {goal.service}")
    yield from check_burn_rate(target, place, documents)
    side = "at_least" if target.at_least is not None else "at_most"
    yield from check_threshold(target, side, limits_of_kpi(target.kpi, documents), place)
    if kpis.get(target.kpi) == ("down" if side == "at_least" else "up"):
        yield place.warning((side,), "for this KPI the other side is better; is it the right comparison?")


def _benchmark(benchmark: BenchmarkDocument, place: Located, documents: Documents, kpis: Directions) -> _Faults:
    services: list[ServiceDocument] = []
    for index, name in enumerate(benchmark.services):
        yield from _service_named(name, place, ("services", index), documents)
        if name in benchmark.services[:index]:
            yield place.fault(("services", index), "stands twice")
        found = documents.get(("service", name))
        if isinstance(found, ServiceDocument):
            services.append(found)
    seen: set[str] = set()
    for index, criterion in enumerate(benchmark.criteria):
        path: Path = ("criteria", index)
        if criterion.id in seen:
            yield place.fault((*path, "id"), "another criterion has this id")
        seen.add(criterion.id)
        yield from _criterion(criterion, place, path, documents, kpis)
        for service in services:
            yield from _in_use(criterion.kpi, service, place, (*path, "kpi"))
            yield from _scope(criterion.scope, service, place, (*path, "scope"))
        yield from check_where(criterion.kpi, criterion.scope, documents, place, (*path, "scope"))
    yield from _combinations(benchmark, place)


def _criterion(criterion: Criterion, place: Located, path: Path, documents: Documents, kpis: Directions) -> _Faults:
    yield from _kpi(criterion.kpi, place, (*path, "kpi"), kpis)
    bad = {"up": "below", "down": "above"}.get(kpis.get(criterion.kpi, ""))
    for level in ("redesign", "reimplement"):
        limit: Limit | None = getattr(criterion, level)
        if limit is None:
            continue
        here = (*path, level)
        if bad is not None and limit.breach_when != bad:
            yield place.fault(here, f"for this KPI the bad side is {bad} the threshold")
        if _wrong_side(limit.clears_at, limit.threshold, limit.breach_when):
            yield place.fault((*here, "clear_when"), "lies on the bad side of the breach: it would never come to rest")
        yield from check_limit(limits_of_kpi(criterion.kpi, documents), limit, place, here)
        if criterion.goal is not None and _wrong_side(criterion.goal, limit.threshold, limit.breach_when):
            yield place.fault((*path, "goal"), f"lies on the bad side of the {level} threshold")
    worse, bad_one = criterion.reimplement, criterion.redesign
    if worse and bad_one and _wrong_side(bad_one.threshold, worse.threshold, bad_one.breach_when):
        yield place.fault((*path, "reimplement"), "must be worse than the redesign threshold")


def _wrong_side(value: float, threshold: float, breach_when: str) -> bool:
    return value < threshold if breach_when == "below" else value > threshold


def _combinations(benchmark: BenchmarkDocument, place: Located) -> _Faults:
    for name, level in (("redesign_when", "redesign"), ("reimplement_when", "reimplement")):
        combination = getattr(benchmark, name)
        having = [criterion for criterion in benchmark.criteria if getattr(criterion, level) is not None]
        if not having:
            if (name,) in place.lines:
                yield place.fault((name,), f"no criterion has the level {level}")
        elif combination.rule == "any_critical" and not any(criterion.critical for criterion in having):
            yield place.fault((name,), f"no criterion with the level {level} is critical: this can never fire")
        elif combination.k is not None and combination.k > len(having):
            yield place.fault((name, "k"), f"only {len(having)} criteria have this level: this can never fire")


def _kpi(kpi: str, place: Located, path: Path, kpis: Directions) -> _Faults:
    if kpi not in kpis:
        near = get_close_matches(kpi, kpis, n=1)
        yield place.fault(path, f"unknown KPI; did you mean {near[0]}?" if near else "unknown KPI")


def _service_named(name: str, place: Located, path: Path, documents: Documents) -> _Faults:
    if ("service", name) not in documents:
        services = [other for kind, other in documents if kind == "service"]
        near = get_close_matches(name, services, n=1)
        yield place.fault(path, f"unknown service; did you mean {near[0]}?" if near else "unknown service")


def _in_use(kpi: str, service: ServiceDocument, place: Located, path: Path) -> _Faults:
    if kpi not in kpis_in_use(service):
        yield place.fault(path, f"this KPI is not among the KPIs in use of {service.id}")


def _scope(scope: Scope, service: ServiceDocument, place: Located, path: Path) -> _Faults:
    if scope.channel is not None and scope.channel not in service.channels:
        yield place.fault((*path, "channel"), f"not a channel of {service.id}")
    if scope.step is not None and scope.step not in service.steps:
        yield place.fault((*path, "step"), f"not a step of {service.id}")
    if scope.language is not None and scope.language not in service.languages:
        yield place.fault((*path, "language"), f"not a language of {service.id}")
    for name, value in scope.segment.items():
        if value not in service.segments.get(name, ()):
            yield place.fault((*path, "segment", name), f"not a segment value of {service.id}")
