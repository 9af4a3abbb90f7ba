"""What is measured: IT performance (technology, process, service), business performance, customer satisfaction.

The three flavours of ITIL's continual service improvement, each by effectiveness and efficiency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from civiloop_shared.contracts.evaluations import EvaluationRecorded, ResultState, Verdict
from evaluation_engine.domain.goal import FAMILIES
from evaluation_engine.domain.kpi import Definition

IT_KINDS = ("technology", "process", "service")
Aspect = Literal["effectiveness", "efficiency"]
ASPECTS: tuple[Aspect, ...] = ("effectiveness", "efficiency")


@dataclass(frozen=True, slots=True)
class Measured:
    """How many KPIs are in use, and how many of them had a value in the newest evaluation."""

    kpis: int
    with_value: int


@dataclass(frozen=True, slots=True)
class Flavour:
    """One flavour, or one kind of IT performance, with the verdicts of its targets."""

    family: str
    it_kind: str | None
    measured: Measured
    aspects: Mapping[Aspect, Measured]
    verdicts: Mapping[Verdict, int]


def flavours(used: Sequence[Definition], newest: EvaluationRecorded | None) -> tuple[Flavour, ...]:
    """Return the five rows of the card in their order; a row without a KPI is there too: that is what is missing."""
    valued = {one.kpi for one in newest.results if one.state is ResultState.OK} if newest else set()
    verdicts = {(one.kpi, one.target): one.verdict for one in newest.targets} if newest else {}
    rows = [("it_performance", kind) for kind in IT_KINDS] + [(family, None) for family in FAMILIES[1:]]
    return tuple(_row(family, kind, used, valued, verdicts) for family, kind in rows)


def _row(
    family: str,
    kind: str | None,
    used: Iterable[Definition],
    valued: set[str],
    verdicts: Mapping[tuple[str, str], Verdict],
) -> Flavour:
    own = [one for one in used if one.family == family and one.it_kind == kind]
    ids = {one.id for one in own}
    counted = Counter(verdict for (kpi, _), verdict in verdicts.items() if kpi in ids)
    return Flavour(
        family=family,
        it_kind=kind,
        measured=_measured(own, valued),
        aspects={aspect: _measured([one for one in own if one.aspect == aspect], valued) for aspect in ASPECTS},
        verdicts={verdict: counted[verdict] for verdict in Verdict},
    )


def _measured(own: Sequence[Definition], valued: set[str]) -> Measured:
    return Measured(len(own), sum(one.id in valued for one in own))
