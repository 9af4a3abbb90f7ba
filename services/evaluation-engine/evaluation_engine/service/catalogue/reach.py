"""Thresholds and scopes against what a KPI can be: on its scale, and of the part of a service that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evaluation_engine.domain.packs import BY_ID
from evaluation_engine.domain.where import parse
from evaluation_engine.errors import CatalogueFault
from evaluation_engine.service.catalogue.documents import AnyDocument, Limit, Scope, TargetDocument
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument, limits_of
from evaluation_engine.service.catalogue.reading import Located, Path

Documents = Mapping[tuple[str, str], AnyDocument | None]
Limits = tuple[float | None, float | None]
_Faults = Iterator[CatalogueFault]


def limits_of_kpi(kpi: str, documents: Documents) -> Limits:
    """Return the lowest and highest value that a KPI can have, of the body's own or of a pack, where they are known."""
    own = documents.get(("kpi", kpi))
    if isinstance(own, KpiDocument):
        return limits_of(own)
    return BY_ID[kpi].scale if kpi in BY_ID else (None, None)


def check_limit(limits: Limits, limit: Limit, place: Located, path: Path) -> _Faults:
    """Find limits that the scale of the KPI can't get to."""
    low, high = limits
    never = (
        low is not None and limit.threshold <= low
        if limit.breach_when == "below"
        else high is not None and limit.threshold >= high
    )
    if never:
        yield place.fault(path, f"can never fire: nothing is {limit.breach_when} {limit.threshold:g}")
    endless = (
        high is not None and limit.clears_at > high
        if limit.breach_when == "below"
        else low is not None and limit.clears_at < low
    )
    if endless:
        yield place.fault((*path, "clear_when"), f"could never end: nothing reaches {limit.clears_at:g}")


def check_threshold(target: TargetDocument, side: str, limits: Limits, place: Located) -> _Faults:
    """Find targets that can never be met, and warn of those that can't be missed."""
    low, high = limits
    threshold = target.at_least if target.at_least is not None else target.at_most
    assert threshold is not None, "the document has one of the two"
    if side == "at_least":
        never, always = high is not None and threshold > high, low is not None and threshold <= low
    else:
        never, always = low is not None and threshold < low, high is not None and threshold >= high
    if never:
        yield place.fault((side,), f"can never be met: nothing is {side.replace('_', ' ')} {threshold:g}")
    if always:
        yield place.warning((side,), f"is always met: everything is {side.replace('_', ' ')} {threshold:g}")


def check_where(kpi: str, scope: Scope, documents: Documents, place: Located, path: Path) -> _Faults:
    """Find scopes in which nothing is that a KPI is about, or nothing that is kept."""
    own = documents.get(("kpi", kpi))
    if isinstance(own, KpiDocument) and own.where is not None and not parse(own.where).cuts(scope.cut()):
        yield place.fault(path, f"nothing of this KPI ({own.where}) is kept in this scope")
