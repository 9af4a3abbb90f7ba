from dataclasses import replace

import pytest

from evaluation_engine.domain.kpi import faults
from evaluation_engine.domain.kpi_catalogue import BY_ID, CATALOGUE, CSAT, HORIZON_DAYS

pytestmark = pytest.mark.requirement("A1")


def test_the_shipped_definitions_have_no_fault() -> None:
    assert faults(CATALOGUE) == []
    assert len(BY_ID) == len(CATALOGUE) == 14
    assert str(HORIZON_DAYS) in BY_ID["mtcf-mean"].formula


def test_a_kpi_without_a_stated_goal_is_refused() -> None:
    assert faults([replace(CSAT, goal=" ")]) == ["csat: goal is missing"]


def test_every_fault_is_named_at_once() -> None:
    broken = replace(CSAT, source="", needs=(), minimum_to_show=200, it_kind="service")
    assert len(faults([broken, broken])) == 9


def test_every_aspect_that_a_scorecard_needs_is_there() -> None:
    assert {d.family for d in CATALOGUE} == {"customer_satisfaction", "business_performance"}
    assert {d.aspect for d in CATALOGUE} == {"effectiveness", "efficiency"}
    assert {d.nature for d in CATALOGUE} == {"qualitative", "quantitative"}
    assert {d.outcome for d in CATALOGUE} == {"citizen", "business", "service"}
