"""KPI values, states and verdicts for Prometheus. Labels come from the catalogue and from fixed words only.

Only the process that evaluates a service shows its values, so that replicas don't show the same series twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from civiloop_shared.contracts.evaluations import EvaluationRecorded, RedesignVerdict, ResultState, Verdict
from civiloop_shared.kafka.relay import OutboxDepth
from evaluation_engine.ports.evaluations import Stored
from evaluation_engine.service.evaluate.yardstick import Yardstick

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class EvaluatorMetrics:
    """Implements ``Observer``; ``outbox`` may be told to the relay as ``on_depth``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "civiloop_evaluator_seconds", "Time of one evaluation", ("kind",), buckets=_BUCKETS, registry=registry
        )
        self._evaluations = Counter(
            "civiloop_evaluations", "Evaluations stored", ("service", "kind"), registry=registry
        )
        self._shown = _Latest()
        registry.register(self._shown)

    def on_live(self, yardstick: Yardstick, record: EvaluationRecorded, seconds: float) -> None:
        """A live status was computed."""
        self._seconds.labels("live").observe(seconds)
        self._shown.live[yardstick.service] = (record, time.time())

    def on_evaluated(self, yardstick: Yardstick, stored: Stored, seconds: float) -> None:
        """An evaluation was stored."""
        self._seconds.labels("scheduled").observe(seconds)
        self._evaluations.labels(yardstick.service, "new" if stored.revision == 1 else "revision").inc()
        self._shown.evaluated[yardstick.service] = stored.stored_at.timestamp()

    def on_held(self, services: frozenset[str]) -> None:
        """These services are evaluated by this process from now on: others are no longer shown."""
        for shown in (self._shown.live, self._shown.evaluated):
            for gone in shown.keys() - services:
                del shown[gone]

    def outbox(self, depth: OutboxDepth) -> None:
        """Show how much waits for Kafka."""
        self._shown.outbox = depth


class _Latest(Collector):
    """Makes gauges of what is known at the time of the scrape."""

    def __init__(self) -> None:
        self.live: dict[str, tuple[EvaluationRecorded, float]] = {}
        self.evaluated: dict[str, float] = {}
        self.outbox = OutboxDepth(0, None)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name nothing in advance: the names are this class's own."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all gauges."""
        live = list(self.live.items())
        yield from _kpis(live)
        yield _verdicts(
            "civiloop_target_verdict",
            "1 for the verdict that holds on a target: at every look, or of the last closed period",
            "target",
            [(service, one.target, one.verdict) for service, (record, _) in live for one in record.targets],
            list(Verdict),
        )
        yield _at_risk(live)
        yield _verdicts(
            "civiloop_redesign_verdict",
            "1 for the verdict on a redesign benchmark that the last closed period left",
            "benchmark",
            [(service, one.benchmark, one.verdict) for service, (record, _) in live for one in record.benchmarks],
            list(RedesignVerdict),
        )
        yield from self._ages(live)
        yield from self._waiting()

    def _ages(self, live: list[tuple[str, tuple[EvaluationRecorded, float]]]) -> Iterator[GaugeMetricFamily]:
        now = time.time()
        status = GaugeMetricFamily(
            "civiloop_live_status_age_seconds", "Time since the live status was computed", labels=["service"]
        )
        for service, (_, at) in live:
            status.add_metric([service], now - at)
        yield status
        age = GaugeMetricFamily(
            "civiloop_evaluation_age_seconds", "Time since an evaluation was stored", labels=["service"]
        )
        for service, at in list(self.evaluated.items()):
            age.add_metric([service], now - at)
        yield age

    def _waiting(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("civiloop_outbox_rows", "Messages that wait for Kafka", value=self.outbox.rows)
        oldest = self.outbox.oldest_at
        age = time.time() - oldest.timestamp() if oldest else 0.0
        yield GaugeMetricFamily("civiloop_outbox_age_seconds", "How long the oldest of them waits", value=max(0.0, age))


def _kpis(live: list[tuple[str, tuple[EvaluationRecorded, float]]]) -> Iterator[GaugeMetricFamily]:
    value = GaugeMetricFamily("civiloop_kpi_value", "KPI over the last 30 days", labels=["service", "kpi"])
    sample = GaugeMetricFamily("civiloop_kpi_sample", "How many it is made from", labels=["service", "kpi"])
    states = []
    for service, (record, _) in live:
        for result in record.results:
            states.append((service, result.kpi, result.state))
            sample.add_metric([service, result.kpi], result.n)
            if result.value is not None:
                value.add_metric([service, result.kpi], result.value)
    yield value
    yield sample
    help_text = "1 for the state that a KPI is in"
    yield _verdicts("civiloop_kpi_status", help_text, "kpi", states, list(ResultState), "status")


def _at_risk(live: list[tuple[str, tuple[EvaluationRecorded, float]]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "civiloop_target_at_risk",
        "1 where the trend of the last periods puts a target at risk, absent where they are too few",
        labels=["service", "target"],
    )
    for service, (record, _) in live:
        for one in record.targets:
            if one.at_risk is not None:
                family.add_metric([service, one.target], float(one.at_risk))
    return family


def _verdicts(
    name: str,
    help_text: str,
    of: str,
    holding: Sequence[tuple[str, str, str]],
    words: Sequence[str],
    word: str = "verdict",
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=["service", of, word])
    for service, one, holds in holding:
        for each in words:
            family.add_metric([service, one, str(each)], float(each == holds))
    return family
