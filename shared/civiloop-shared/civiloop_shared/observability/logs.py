"""Structured logs. A line carries ids and counts: never a body, a comment, an address or a contact."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from civiloop_shared.errors import CiviloopError
from civiloop_shared.observability.trace import current_trace

_WITHHELD = frozenset(
    {"authorization", "body", "comment", "contact", "cookie", "email", "key", "password", "payload", "phone", "secret"}
)
_LONGEST_VALUE = 2_000
_MOST_FRAMES = 60
_MOST_FRAMES_EACH = 20


def configure_logging(
    service: str,
    *,
    level: str = "info",
    log_format: Literal["json", "console"] = "json",
    stream: TextIO | None = None,
) -> None:
    """Send all logs of this process, those of libraries too, to one stream (stderr) in one format."""
    target = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _place_exception,
        _withhold,
        _name_service(service),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_dumps)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=target.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    _replace_root_handler(formatter, target, level)


def _replace_root_handler(formatter: logging.Formatter, target: TextIO, level: str) -> None:
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [*root.handlers]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for chatty in ("aiokafka", "httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger. ``log.info("what happened", name=value)``."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def _dumps(value: Any, default: Any = None, **_: Any) -> str:
    return orjson.dumps(value, default=default or str, option=orjson.OPT_NON_STR_KEYS).decode()


def _add_trace(_: Any, __: str, event: EventDict) -> EventDict:
    trace = current_trace()
    if trace is not None:
        event.setdefault("trace_id", trace.trace_id)
    return event


def _place_exception(_: Any, __: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    error = sys.exception() if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = safe_traceback(error)
    return event


def _withhold(_: Any, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if name.lower() in _WITHHELD:
            event[name] = "(withheld)"
        elif isinstance(value, str) and len(value) > _LONGEST_VALUE:
            event[name] = value[:_LONGEST_VALUE] + "…"
    return event


def _name_service(service: str) -> Processor:
    def add(_: Any, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    return add


def safe_traceback(error: BaseException) -> list[str]:
    """Return where an error came from: types and places.

    Messages may repeat what a citizen wrote (those of PostgreSQL and of pydantic do), so they are left out, but for
    our own errors and those of the operating system.
    """
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(lines) < _MOST_FRAMES:
        message = f": {seen}" if isinstance(seen, (CiviloopError, OSError)) else ""
        lines.append(f"{type(seen).__qualname__}{message}")
        frames = traceback.extract_tb(seen.__traceback__)[-_MOST_FRAMES_EACH:]
        lines += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        seen = seen.__cause__ or seen.__context__
    return lines
