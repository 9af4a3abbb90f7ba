"""Logs with a trace id, metrics with bounded labels, readiness that names what is missing."""

from civiloop_shared.observability.logs import configure_logging, get_logger
from civiloop_shared.observability.metrics import RequestMetrics, new_registry
from civiloop_shared.observability.readiness import Readiness
from civiloop_shared.observability.trace import TraceContext, current_trace, new_trace, parse_traceparent, trace_scope

__all__ = [
    "Readiness",
    "RequestMetrics",
    "TraceContext",
    "configure_logging",
    "current_trace",
    "get_logger",
    "new_registry",
    "new_trace",
    "parse_traceparent",
    "trace_scope",
]
