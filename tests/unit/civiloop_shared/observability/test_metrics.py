from prometheus_client import CollectorRegistry

from civiloop_shared.observability import Readiness
from civiloop_shared.observability.metrics import RequestMetrics


def test_metrics_say_whether_the_process_can_work_and_what_is_missing() -> None:
    registry, readiness = CollectorRegistry(), Readiness("kafka", "catalogue")
    metrics = RequestMetrics(registry)
    readiness.set("kafka", True)

    metrics.show_readiness(readiness)

    assert registry.get_sample_value("civiloop_ready") == 0
    assert registry.get_sample_value("civiloop_dependency_ready", {"dependency": "kafka"}) == 1
    assert registry.get_sample_value("civiloop_dependency_ready", {"dependency": "catalogue"}) == 0


def test_a_process_that_stops_is_not_ready_though_nothing_is_missing() -> None:
    registry, readiness = CollectorRegistry(), Readiness("kafka")
    metrics = RequestMetrics(registry)
    readiness.set("kafka", True)
    metrics.show_readiness(readiness)
    assert registry.get_sample_value("civiloop_ready") == 1

    readiness.drain()
    metrics.show_readiness(readiness)

    assert registry.get_sample_value("civiloop_ready") == 0
