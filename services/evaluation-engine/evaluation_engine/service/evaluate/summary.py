"""One KPI over all services of a body: weighted by volume, and saying of how many services it speaks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import KpiResult, ResultState
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.weighted import Weighted, weighted
from evaluation_engine.errors import UnknownKpiError
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.scorecard import Scorecards


@dataclass(frozen=True, slots=True)
class Summary:
    """The weighted value and the result of each service that uses the KPI."""

    definition: Definition
    value: Weighted
    services: tuple[tuple[str, KpiResult | None], ...]


@dataclass(frozen=True, slots=True)
class SummaryDesk:
    """Reads what every service's scorecard says of a KPI."""

    yardsticks: Yardsticks
    scorecards: Scorecards

    async def of(self, body: str, kpi: str, period: str, services: Collection[str] | None) -> Summary:
        """Return the summary over the services that the caller may see. Raises ``UnknownKpiError``."""
        await self.yardsticks.refresh()
        mine = {name: one for name, one in sorted(self.yardsticks.all().items()) if one.body == body}
        seen = [one for name, one in mine.items() if services is None or name in services]
        definition = next((one.known[kpi] for one in seen if kpi in one.known), None)
        if definition is None:
            raise UnknownKpiError
        using = [one.service for one in seen if any(used.id == kpi for used in one.definitions)]
        found = [(service, await self._result(body, service, kpi, period)) for service in using]
        return Summary(definition, weighted(definition, _usable(found), len(using)), tuple(found))

    async def _result(self, body: str, service: str, kpi: str, period: str) -> KpiResult | None:
        card = await self.scorecards.of(body, service, period)
        return next((one for one in card.record.results if one.kpi == kpi), None)


def _usable(found: Sequence[tuple[str, KpiResult | None]]) -> list[KpiResult]:
    return [one for _, one in found if one is not None and one.state is ResultState.OK]
