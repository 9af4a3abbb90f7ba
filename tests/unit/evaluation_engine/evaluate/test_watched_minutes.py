"""What is kept by the minute follows the targets of the catalogue, and a catalogue that can't be read stops nothing."""

from __future__ import annotations

from typing import Literal

from evaluation_engine.domain.burn import Watch
from evaluation_engine.domain.packs import BY_ID
from evaluation_engine.domain.target import Target
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.problems.minutes import WatchedMinutes, minutes_of
from tests.unit.evaluation_engine.domain.test_burn import target


def watch(kpi: str, threshold: float, comparison: Literal["at_least", "at_most"], cut: str = "") -> Watch:
    made: Target = target(kpi, threshold, comparison, cut)
    return Watch(made, BY_ID[kpi])


def test_each_cut_has_the_measures_of_its_own_targets_and_no_others() -> None:
    kept = minutes_of(
        [
            watch("error-rate", 2, "at_most"),
            watch("latency-p95", 300, "at_most"),
            watch("error-rate", 2, "at_most", "channel=web"),
        ]
    )
    errors = ("j.errored", "j.fault", "j.started")
    assert kept == (("", (*errors, "m.latency.")), ("channel=web", errors))


def test_a_target_with_tickets_only_needs_no_minutes() -> None:
    assert minutes_of([watch("error-rate", 20, "at_most")]) == ()
    assert minutes_of([watch("error-rate", 16, "at_most")]) != ()


class Unreadable(Yardsticks):
    async def refresh(self) -> None:
        raise KeyError("a kind of document that another release made")


async def test_a_catalogue_that_can_not_be_read_stops_no_counting() -> None:
    assert await WatchedMinutes(Unreadable(store=None)).minutes() == {}  # type: ignore[arg-type]
