"""Kinds that a rule decides, and the edges of those that a test decides."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from civiloop_shared.contracts.evaluations import FindingKind, TargetResult
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.findings import (
    change_point,
    driver,
    green_but_red,
    hot_step,
    one_sided,
    repeat_contact,
    response_bias,
    segment_gap,
    source_silent,
    target_missed,
)
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.kpi_catalogue import BY_ID
from evaluation_engine.domain.result import evaluate
from evaluation_engine.domain.target import Target, judge
from tests.support.made_up_services import PERIOD, Service
from tests.unit.evaluation_engine.domain.evidences import evidence

FLAT = Service(1, a_day=10).scene()
DAY_MS = 86_400_000


def told(candidates: Any) -> list[Finding]:
    return [one.finding for one in candidates if one.finding is not None]


def target(kpi: str, at_least: float, measures: dict[str, int], cut: str = "") -> TargetResult:
    result = evaluate(BY_ID[kpi], evidence(measures, cut=cut))
    wanted = Target(f"{kpi}-target", kpi, "at_least", at_least, "law", cut)
    return judge(wanted, result, PERIOD.start)


MISSED = target("csat", 80, {"rating.5": 500, "rating.1": 500})
MET = target("digital-take-up", 50, {"e.digital": 900, "e.completed": 1000})


@pytest.mark.requirement("A7")
def test_a_missed_target_is_told_with_its_interval_and_what_it_is_short_by() -> None:
    [found] = told(target_missed.find(replace(FLAT, targets=(MISSED, MET))))
    assert found.statement == ("Customer satisfaction is 50.0 % (46.9 to 53.1, n = 1000); wanted is at least 80 %.")
    assert found.numbers["short_by"] == pytest.approx(30)
    assert found.people == pytest.approx(300)
    assert found.cause == "target=csat-target"


def test_agency_green_and_citizens_red_is_told() -> None:
    [found] = told(green_but_red.find(replace(FLAT, targets=(MISSED, MET))))
    assert "digital-take-up-target" in found.statement
    assert "csat-target" in found.statement


@pytest.mark.parametrize("targets", [(MET,), (MISSED,), ()], ids=["all green", "no agency target", "no target"])
def test_nothing_is_green_but_red_without_both_sides(targets: tuple[TargetResult, ...]) -> None:
    assert not told(green_but_red.find(replace(FLAT, targets=targets)))


@pytest.mark.requirement("C2")
def test_a_set_of_kpis_that_asks_no_citizen_is_one_sided() -> None:
    scene = replace(FLAT, definitions=(BY_ID["completion-rate"], BY_ID["digital-take-up"]))
    [found] = told(one_sided.find(scene))
    assert found.statement == (
        "None of the 2 KPIs in use is about customer satisfaction: what goes wrong there stays unseen."
    )
    assert not told(one_sided.find(FLAT))


def test_a_source_that_is_silent_past_its_limit_is_told_once_with_its_last_day() -> None:
    seen = {need.name: PERIOD.end_ms - 60 * DAY_MS for need in FLAT.needs}
    [found] = told(source_silent.find(replace(FLAT, sources=Sources(seen, 45 * DAY_MS))))
    assert found.cause == "source=journeys"
    assert "since 1 August 2026" in found.statement


def test_a_source_that_never_spoke_is_not_silent() -> None:
    assert not told(source_silent.find(replace(FLAT, sources=Sources({}, 45 * DAY_MS))))


def test_a_channel_that_stopped_is_told_with_what_was_expected() -> None:
    cuts = {cut: measures for cut, measures in FLAT.cuts.items() if cut != "channel=counter"}
    [found] = told(source_silent.find(replace(FLAT, cuts=cuts)))
    assert found.cause == "channel=counter"
    assert found.numbers["arrived"] == 0


def test_answers_that_stopped_are_told() -> None:
    now = {name: n for name, n in FLAT.now.items() if name != "answers"}
    [found] = told(source_silent.find(replace(FLAT, now=now)))
    assert found.statement.startswith("No feedback at all came in")


def test_half_a_period_expects_half_of_what_a_whole_one_does() -> None:
    half = replace(FLAT, as_of_ms=(PERIOD.start_ms + PERIOD.end_ms) // 2)
    assert half.length_weeks == pytest.approx(FLAT.length_weeks / 2)
    assert half.known_until == PERIOD.start + timedelta(days=15)


@pytest.mark.parametrize(
    "find",
    [
        change_point.find,
        driver.find,
        hot_step.find,
        repeat_contact.find,
        response_bias.find,
        segment_gap.find,
        source_silent.find,
    ],
)
def test_nothing_is_found_where_there_is_nothing(find: Any) -> None:
    empty = replace(FLAT, now={}, cuts={}, past_cuts={}, days={})
    assert not told(find(empty))


def test_a_group_below_the_minimum_is_not_compared() -> None:
    few = {"rating.1": 29}
    many = {"rating.5": 400}
    scene = replace(
        FLAT, now={"rating.1": 29, "rating.5": 400}, cuts={"segment.age=65+": few, "segment.age=18-34": many}
    )
    assert not list(segment_gap.find(scene))
    assert not told(driver.find(scene))


def test_the_unnamed_rest_is_no_group_of_a_gap() -> None:
    dimensions = {"segment.age": ("segment.age=18-34", "segment.age=other")}
    cuts = {"segment.age=18-34": {"rating.5": 400}, "segment.age=other": {"rating.1": 400}}
    assert not list(segment_gap.find(replace(FLAT, cuts=cuts, dimensions=dimensions)))


def test_a_test_whose_effect_is_too_small_counts_as_one_that_found_nothing() -> None:
    assert Candidate.test(0.001, None) == Candidate(1.0, None)


def test_journeys_that_may_still_end_are_left_out_of_the_completion_trend() -> None:
    assert isinstance(FLAT, Scene)
    assert FLAT.settled_until == PERIOD.end - timedelta(days=14)


def test_the_id_is_that_of_the_cause_and_an_identifier() -> None:
    [found] = told(target_missed.find(replace(FLAT, targets=(MISSED,))))
    [again] = told(target_missed.find(replace(FLAT, targets=(target("csat", 80, {"rating.5": 300, "rating.1": 400}),))))
    assert found.id == again.id
    assert found.summary("permit").kind is FindingKind.TARGET_MISSED


def test_a_week_in_which_nothing_was_fulfilled_does_not_end_the_trend_of_durations() -> None:
    scene = Service(7, days=lambda people: np.where(people.day > 320, 9, 5)).scene()
    without = {
        day: {name: n for name, n in measures.items() if not name.startswith("e.dur.")}
        if date(2026, 4, 1) <= day < date(2026, 4, 15)
        else measures
        for day, measures in scene.days.items()
    }
    causes = {one.cause for one in told(change_point.find(replace(scene, days=without)))}
    assert "the time to fulfilment|up" in causes
