"""Open problems and waiting webhooks: counted in PostgreSQL, shown to Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from civiloop_shared.postgres.engine import acquire
from evaluation_engine.ports.duty import OpenProblems
from evaluation_engine.ports.webhooks import Backlog

if TYPE_CHECKING:
    from asyncpg import Pool

_OPEN = """
SELECT service_id, severity, count(*), min(opened_at) FROM evaluation.problem WHERE closed_at IS NULL GROUP BY 1, 2
ORDER BY 1, 2
"""


class PostgresProblemCount:
    """Implements ``ProblemCount``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def open_now(self) -> Sequence[OpenProblems]:
        """Return the open problems of all services."""
        async with acquire(self._pool) as connection:
            return [OpenProblems(*row) for row in await connection.fetch(_OPEN)]


class DutyMetrics(Collector):
    """Implements ``DutyObserver``. Ages are those at the time of the scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._problems: Sequence[OpenProblems] = ()
        self._backlog = Backlog(0, 0, None, 0)
        registry.register(self)

    def on_duty(self, problems: Sequence[OpenProblems], backlog: Backlog) -> None:
        """Show this in place of what was shown."""
        self._problems, self._backlog = problems, backlog

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all gauges."""
        yield from self._of_problems()
        backlog = self._backlog
        yield GaugeMetricFamily("civiloop_webhook_waiting", "Messages that wait for webhooks", value=backlog.waiting)
        yield GaugeMetricFamily(
            "civiloop_webhook_failing", "Messages among them whose last attempt failed", value=backlog.failing
        )
        yield GaugeMetricFamily(
            "civiloop_webhook_age_seconds", "How long the oldest of them waits", value=_age(backlog.oldest_at)
        )
        yield GaugeMetricFamily("civiloop_webhooks_stopped", "Webhooks that were given up", value=backlog.stopped)

    def _of_problems(self) -> Iterator[GaugeMetricFamily]:
        labels = ["service", "severity"]
        n = GaugeMetricFamily("civiloop_open_problems", "Problems that are open", labels=labels)
        age = GaugeMetricFamily(
            "civiloop_open_problem_age_seconds", "How long the oldest of them is open", labels=labels
        )
        for one in self._problems:
            n.add_metric([one.service, one.severity], one.n)
            age.add_metric([one.service, one.severity], _age(one.oldest_at))
        yield n
        yield age


def _age(since: datetime | None) -> float:
    return max(0.0, time.time() - since.timestamp()) if since else 0.0
