"""A set of KPIs that leaves out a flavour that the platform offers."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene

_FAMILIES = {
    "customer_satisfaction": "customer satisfaction",
    "business_performance": "business performance",
    "it_performance": "IT performance",
}


def find(scene: Scene) -> Iterator[Candidate]:
    """A rule about the choice of KPIs, whatever their values."""
    used = {one.family for one in scene.definitions}
    missing = [family for family in _FAMILIES if family in scene.offered and family not in used]
    if not missing or not scene.definitions:
        return
    counted = {family: sum(one.family == family for one in scene.definitions) for family in _FAMILIES}
    yield Candidate.rule(
        Finding(
            kind=FindingKind.ONE_SIDED,
            cause="|".join(missing),
            statement=(
                f"None of the {len(scene.definitions)} KPIs in use is about "
                f"{' or '.join(_FAMILIES[family] for family in missing)}: what goes wrong there stays unseen."
            ),
            numbers={**counted, "kpis": len(scene.definitions)},
            method="families of the KPIs in use, of those that the platform offers",
            period=scene.period,
            kpi=scene.definitions[0].id,
            tone="notice",
        )
    )
