"""W3C Trace Context: one trace id follows an event from the request to the evaluation."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where we are in a trace: hex ids, and the flags as they came."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def traceparent(self) -> str:
        """Return the header value that hands this trace on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> TraceContext:
        """Return the same trace with a span id of our own."""
        return TraceContext(self.trace_id, os.urandom(8).hex(), self.flags)


_current: ContextVar[TraceContext | None] = ContextVar("civiloop_trace", default=None)


def new_trace() -> TraceContext:
    """Begin a trace."""
    ids = os.urandom(24).hex()
    return TraceContext(ids[:32], ids[32:])


def parse_traceparent(value: str) -> TraceContext | None:
    """Read a ``traceparent``; None when it is not one, as the standard asks (then a trace is begun anew)."""
    match = _TRACEPARENT.fullmatch(value) if len(value) <= 256 else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, flags)


def current_trace() -> TraceContext | None:
    """Return the trace that the running task belongs to."""
    return _current.get()


def set_current_trace(trace: TraceContext | None) -> None:
    """Say which trace the running task belongs to, until its end. Prefer ``trace_scope``."""
    _current.set(trace)


@contextmanager
def trace_scope(trace: TraceContext | None) -> Iterator[None]:
    """Run a block as part of a trace: its log lines carry the id."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)
