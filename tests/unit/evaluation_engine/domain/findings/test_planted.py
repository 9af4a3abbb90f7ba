"""Services with one thing wrong that is known beforehand, and services with nothing wrong."""

from typing import Any

import numpy as np
import pytest

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings.discover import discover
from evaluation_engine.domain.findings.finding import Finding
from tests.support.made_up_services import PERIOD, Service

SIX_WEEKS_AGO = 364 - 44


def first_of(service: Service) -> Finding:
    return discover(service.scene())[0]


def now(then: float, otherwise: float) -> Any:
    return lambda people: np.where(people.in_period, then, otherwise)


@pytest.mark.requirement("A3")
def test_a_step_that_got_worse_is_the_first_finding_with_its_volume() -> None:
    found = first_of(Service(2, leaves={"payment": now(0.09, 0.03)}, errs={"payment": now(0.15, 0.05)}))
    assert (found.kind, found.cause, found.tone) == (FindingKind.HOT_STEP, "step=payment", "problem")
    assert found.numbers["more_abandoned_than_usual"] == pytest.approx(51, abs=1)
    assert found.link("permit") == (
        "/v1/services/permit/kpis/abandonment-by-step/series?from=2026-09-01&to=2026-10-01&every=day&by=step"
    )


@pytest.mark.requirement("B8")
def test_a_group_that_is_served_badly_is_the_first_finding_with_its_gap() -> None:
    found = first_of(
        Service(3, a_day=60, satisfied=lambda people: np.where(people.are("segment.age", "65+"), 0.55, 0.82))
    )
    assert (found.kind, found.cause) == (FindingKind.SEGMENT_GAP, "csat|segment.age=65+")
    assert found.interval is not None
    assert found.interval.low is not None
    assert found.interval.low > 0


@pytest.mark.requirement("C5")
def test_a_channel_that_dissatisfies_is_the_first_finding_with_its_impact_and_interval() -> None:
    found = first_of(Service(4, a_day=60, satisfied=lambda people: np.where(people.are("channel", "web"), 0.7, 0.9)))
    assert (found.kind, found.cause) == (FindingKind.DRIVER, "channel=web")
    effect, prevalence = found.numbers["effect_points"], found.numbers["prevalence"]
    assert isinstance(effect, float)
    assert isinstance(prevalence, float)
    assert found.numbers["impact_points"] == pytest.approx(prevalence * (1 - prevalence) * effect)
    assert found.interval is not None


@pytest.mark.requirement("A7")
@pytest.mark.parametrize(
    ("service", "cause", "tone"),
    [
        (Service(5, satisfied=lambda p: np.where(p.day > SIX_WEEKS_AGO, 0.6, 0.82)), "satisfaction|down", "problem"),
        (Service(6, satisfied=lambda p: np.where(p.day > SIX_WEEKS_AGO, 0.9, 0.6)), "satisfaction|up", "improvement"),
        (Service(7, days=lambda p: np.where(p.day > SIX_WEEKS_AGO, 9, 5)), "the time to fulfilment|up", "problem"),
        (
            Service(8, a_day=lambda day: np.where(day > SIX_WEEKS_AGO, 45, 30)),
            "the number of journeys|up",
            "notice",
        ),
    ],
    ids=["satisfaction falls", "satisfaction rises", "cases take longer", "more people come"],
)
def test_a_change_is_found_within_a_week_of_when_it_came(service: Service, cause: str, tone: str) -> None:
    found = first_of(service)
    assert (found.kind, found.cause, found.tone) == (FindingKind.CHANGE_POINT, cause, tone)
    assert "2026-08-09" <= str(found.numbers["since"]) <= "2026-08-27"


def test_a_change_of_half_a_year_ago_is_not_told_again() -> None:
    service = Service(9, satisfied=lambda people: np.where(people.day > 180, 0.6, 0.82))
    assert not [one for one in discover(service.scene()) if one.kind is FindingKind.CHANGE_POINT]


@pytest.mark.requirement("A7")
def test_more_who_have_to_come_back_are_the_first_finding() -> None:
    assert first_of(Service(10, again=now(0.32, 0.2))).kind is FindingKind.REPEAT_CONTACT


@pytest.mark.requirement("E5.3.3")
def test_answers_of_one_channel_only_are_a_response_bias() -> None:
    found = first_of(Service(11, answers=lambda people: np.where(people.are("channel", "web"), 0.5, 0.05)))
    assert (found.kind, found.cause, found.tone) == (FindingKind.RESPONSE_BIAS, "channel", "notice")


def test_the_agencys_gain_at_the_citizens_cost_is_told() -> None:
    def channel_pays(people: Any) -> Any:
        return np.where(people.in_period, 0.6, 0.82)

    scene = Service(12, a_day=60, satisfied=channel_pays, leaves={"details": now(0.0, 0.12)}).scene()
    [found] = [one for one in discover(scene) if one.kind is FindingKind.AGENCY_UP_CITIZEN_DOWN]
    assert found.numbers["agency_kpi"] == "completion-rate"
    assert found.numbers["citizen_kpi"] in ("csat", "task-success")


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_a_flat_service_has_no_finding(seed: int) -> None:
    assert discover(Service(seed).scene()) == ()


@pytest.mark.requirement("A7")
def test_of_200_flat_services_at_most_18_have_a_finding() -> None:
    found = [discover(Service(seed, a_day=15).scene()) for seed in range(1_000, 1_200)]
    assert sum(bool(one) for one in found) <= 18


def test_beside_a_true_cause_few_findings_are_false() -> None:
    false, all_ = 0, 0
    for seed in range(2_000, 2_040):
        found = discover(Service(seed, a_day=25, errs={"payment": now(0.2, 0.05)}).scene())
        assert found[0].cause == "step=payment"
        all_ += len(found)
        false += sum(one.cause != "step=payment" for one in found)
    assert false / all_ <= 0.1


def test_the_same_scene_gives_the_same_findings_under_the_same_ids() -> None:
    service = Service(2, errs={"payment": now(0.15, 0.05)})
    once, again = discover(service.scene()), discover(service.scene())
    assert once == again
    other = discover(Service(30, errs={"payment": now(0.15, 0.05)}).scene())
    assert once[0].id == other[0].id


def test_every_finding_fits_its_contract() -> None:
    for one in discover(Service(2, errs={"payment": now(0.15, 0.05)}).scene()):
        summary = one.summary("permit")
        assert summary.statement.endswith(".")
        assert summary.period.start.date() >= PERIOD.start or one.kind is FindingKind.CHANGE_POINT
        assert summary.q_value is None or summary.q_value <= 0.05
