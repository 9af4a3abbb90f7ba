from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.observability import current_trace, new_trace, parse_traceparent, trace_scope

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_traceparent_reads_back() -> None:
    trace = parse_traceparent(GOOD)
    assert trace is not None
    assert trace.traceparent() == GOOD
    assert trace.child().trace_id == trace.trace_id
    assert trace.child().span_id != trace.span_id


def test_a_later_version_may_say_more() -> None:
    assert parse_traceparent("01" + GOOD[2:] + "-more") is not None


@pytest.mark.parametrize(
    "value",
    [
        GOOD + "-more",
        "ff" + GOOD[2:],
        GOOD.upper(),
        GOOD[:-1],
        "00-" + "0" * 32 + GOOD[35:],
        GOOD[:36] + "0" * 16 + "-01",
    ],
)
def test_what_the_standard_forbids_is_refused(value: str) -> None:
    assert parse_traceparent(value) is None


@given(st.text())
def test_no_text_makes_the_parser_fail(value: str) -> None:
    parse_traceparent(value)


async def test_tasks_do_not_see_each_others_trace() -> None:
    async def work() -> tuple[str, str]:
        trace = new_trace()
        with trace_scope(trace):
            await asyncio.sleep(0.001)
            seen = current_trace()
        return trace.trace_id, seen.trace_id if seen else ""

    for mine, seen in await asyncio.gather(*(work() for _ in range(20))):
        assert mine == seen
    assert current_trace() is None
