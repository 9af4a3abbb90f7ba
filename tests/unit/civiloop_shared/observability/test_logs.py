from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from civiloop_shared.observability import configure_logging, get_logger, new_trace, trace_scope
from civiloop_shared.observability.logs import safe_traceback

pytestmark = pytest.mark.requirement("B12")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    out = io.StringIO()
    configure_logging("feedback-api", stream=out)
    yield out
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def parsed(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_json_with_service_level_time_and_trace(lines: io.StringIO) -> None:
    trace = new_trace()
    with trace_scope(trace):
        get_logger("x").info("stored", batch=12)
    get_logger("x").warning("no trace here")
    first, second = parsed(lines)
    assert first["event"] == "stored"
    assert first["batch"] == 12
    assert first["service"] == "feedback-api"
    assert first["level"] == "info"
    assert first["trace_id"] == trace.trace_id
    assert str(first["timestamp"]).endswith("Z")
    assert "trace_id" not in second


def test_lines_of_libraries_look_the_same(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("lost %s", "connection")
    assert parsed(lines)[0]["event"] == "lost connection"
    assert parsed(lines)[0]["service"] == "feedback-api"


def test_fields_that_could_carry_a_person_are_withheld(lines: io.StringIO) -> None:
    get_logger("x").info("seen", comment="canary", email="canary", body=b"canary", Authorization="canary", n=1)
    assert "canary" not in lines.getvalue()
    assert parsed(lines)[0]["n"] == 1


def test_an_exception_is_logged_without_its_message(lines: io.StringIO) -> None:
    try:
        raise ValueError("canary")
    except ValueError:
        get_logger("x").exception("failed")
        logging.getLogger("library").exception("failed too")
    assert "canary" not in lines.getvalue()
    assert "ValueError" in lines.getvalue()
    assert len(parsed(lines)) == 2


def test_a_traceback_without_messages_names_types_and_places() -> None:
    try:
        try:
            raise KeyError("canary")
        except KeyError as error:
            raise ValueError("canary") from error
    except ValueError as error:
        text = "\n".join(safe_traceback(error))
    assert "ValueError" in text
    assert "KeyError" in text
    assert "test_logs.py" in text
    assert "canary" not in text
