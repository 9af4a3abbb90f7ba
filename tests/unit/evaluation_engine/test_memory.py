from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from evaluation_engine.bootstrap.memory import collect_seldom


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def collections() -> int:
    return sum(one["collections"] for one in gc.get_stats())


@pytest.mark.usefixtures("collector")
def test_garbage_is_looked_for_seldom_and_not_among_what_was_there_before() -> None:
    collect_seldom()
    before = collections()
    kept = [[number] for number in range(50_000)]
    assert collections() == before
    kept += [[number] for number in range(100_000)]
    assert collections() > before
    assert gc.get_freeze_count() > 10_000 > len(gc.get_objects(generation=2))
