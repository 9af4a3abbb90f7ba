"""Many services with many KPIs beside one with few, on platforms of their own that are measured in turn."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from tests.load import estate, stream
from tests.load.events import CATALOGUE, SERVICE
from tests.load.reading import times_to_visible
from tests.load.report import GENEROUS, Ratio
from tests.load.stage import Stage
from tests.support.platform import Infra, running_platform

KEPT = 0.85
"""What must be left with 200 services of what one service gets."""


@dataclass(slots=True)
class _Side:
    catalogue: str
    services: tuple[str, ...]
    counted: list[float] = field(default_factory=list)
    consumed: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)

    def measure(self, infra: Infra, *, batches: int, trials: int) -> None:
        with running_platform(infra, CIVILOOP_LIMITS=GENEROUS) as platform:
            stage = Stage(platform)
            stage.apply_catalogue(self.catalogue, self.services[0])
            counted, consumed = stream.count_once(stage, batches=batches, services=self.services)
            times = times_to_visible(stage, trials=trials, services=self.services)
        self.counted.append(counted)
        self.consumed.append(consumed)
        self.visible.append(statistics.median(times))
        self.slowest.append(times[-1])


def measure(infra: Infra, *, rounds: int, batches: int, trials: int) -> list[Ratio]:
    """Return what is left of throughput, and how much longer a feedback takes to show."""
    few = _Side(CATALOGUE, (SERVICE,))
    names = tuple(map(estate.name_of, range(estate.SERVICES)))
    many = _Side(estate.catalogue(estate.SERVICES, rich=True), names)
    for _ in range(rounds):
        for side in (few, many):
            side.measure(infra, batches=batches, trials=trials)
    name = f"{estate.SERVICES} services, {estate.KPIS} KPIs each"
    return [
        Ratio(f"engine, {name} / one service", many.counted, few.counted, "events/s", expected=KEPT),
        Ratio(f"engine, {name} / bare consume", many.counted, many.consumed, "events/s"),
        Ratio("engine, one service / bare consume, the same run", few.counted, few.consumed, "events/s"),
        Ratio(f"202 to visible, {name} / one service, p50", many.visible, few.visible, "s", at_most=2 - KEPT),
        Ratio(f"202 to visible, {name} / one service, the slowest", many.slowest, few.slowest, "s"),
    ]
