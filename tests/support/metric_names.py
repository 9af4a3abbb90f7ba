"""The names of the metrics: those that the services make, and those that a PromQL query reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from civiloop_shared.observability.metrics import RequestMetrics
from evaluation_engine.adapters.duty import DutyMetrics
from evaluation_engine.adapters.metrics import EvaluatorMetrics
from evaluation_engine.consumers.metrics import IngestMetrics
from feedback_api.adapters.metrics import IntakeMetrics
from metrics_collector.adapters.metrics import CollectorMetrics
from tests.support.tools import ROOT

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count", "")}
_KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram", "GaugeMetricFamily": "gauge"}
_MAKERS: tuple[Callable[[CollectorRegistry], object], ...] = (
    RequestMetrics,
    IntakeMetrics,
    CollectorMetrics.on,
    IngestMetrics,
    EvaluatorMetrics,
    DutyMetrics,
)


def names_of(families: Iterable[Metric]) -> set[str]:
    """Return the names of the series that families of metrics have."""
    return {name for family in families for name in _series(family.name, family.type)}


def made_names() -> set[str]:
    """Return the names that the services make: of their metrics, built anew, and of those named in the code only."""
    names: set[str] = set()
    for make in _MAKERS:
        registry = CollectorRegistry()
        make(registry)
        names |= names_of(registry.collect())
    for folder in ("shared/civiloop-shared", "services"):
        for file in (ROOT / folder).rglob("*.py"):
            names |= _written_in(file)
    return names


def _written_in(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8")
    if "prometheus_client" not in text:
        return set()
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS and node.args
        ):
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            names.update(_series(first.value, _KINDS[node.func.id]))
    return names


def _series(name: str, kind: str) -> list[str]:
    return [name + suffix for suffix in _SUFFIXES.get(kind, ("",))]


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABELS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "NaN", "Inf", "by", "on"}


def read_names(query: str) -> set[str]:
    """Return the names of the metrics that a query reads."""
    bare = _LABELS.sub(" ", _QUOTED.sub('""', query))
    return {word for word in _WORD.findall(bare) if word not in _KEYWORDS}
