"""Request metrics. Labels come from the code (route template, method, status class), never from a request."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from civiloop_shared.observability.readiness import Readiness

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def new_registry() -> CollectorRegistry:
    """Return a registry of its own (nothing is global) with the metrics of the process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class RequestMetrics:
    """Counts requests and their time. ``observe`` is called once a request, so it keeps the label children at hand."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("route", "method", "status")
        self._requests = Counter("civiloop_http_requests", "Requests answered", labels, registry=registry)
        self._seconds = Histogram(
            "civiloop_http_request_seconds", "Time to answer", ("route", "method"), buckets=_BUCKETS, registry=registry
        )
        self.in_flight = Gauge("civiloop_http_requests_in_flight", "Requests being answered", registry=registry)
        self.bytes_in_flight = Gauge("civiloop_http_body_bytes_in_flight", "Body bytes held", registry=registry)
        self._ready = Gauge("civiloop_ready", "1 while the process can do its work", registry=registry)
        self._dependencies = Gauge(
            "civiloop_dependency_ready", "1 while a dependency is there", ("dependency",), registry=registry
        )
        self._children: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def observe(self, route: str, method: str, status: int, started: float) -> None:
        """Count one answer. ``started`` is of ``time.perf_counter``; ``route`` is a template such as ``/v1/x/{id}``."""
        status_class = status // 100
        child = self._children.get((route, method, status_class))
        if child is None:
            child = self._new_child(route, method, status_class)
        child[0]()
        child[1](time.perf_counter() - started)

    def show_readiness(self, readiness: Readiness) -> None:
        """Show what ``/readyz`` says, as last known."""
        self._ready.set(readiness.ready)
        for name, there in readiness.checks().items():
            self._dependencies.labels(name).set(there)

    def _new_child(
        self, route: str, method: str, status_class: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        method_label = method if method in _METHODS else "other"
        child = (
            self._requests.labels(route, method_label, f"{status_class}xx").inc,
            self._seconds.labels(route, method_label).observe,
        )
        if method in _METHODS:
            self._children[route, method, status_class] = child
        return child


def exposition(registry: CollectorRegistry) -> bytes:
    """Return the metrics in the Prometheus text format."""
    return generate_latest(registry)
