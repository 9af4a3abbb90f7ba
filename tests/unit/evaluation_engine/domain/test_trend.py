"""At risk: where the trend of a target leads, with a simple method that does not take noise for a trend."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest
from scipy import stats

from evaluation_engine.domain.target import Target
from evaluation_engine.domain.trend import Point, course, kendall_p, sen_slope

START = date(2026, 1, 31)


def points(*values: float) -> list[Point]:
    ends = [START + timedelta(days=30 * n) for n in range(len(values))]
    return [Point(end - timedelta(days=30), end, value) for end, value in zip(ends, values, strict=True)]


def at_least(threshold: float, by: date | None = None) -> Target:
    return Target("t", "csat", "at_least", threshold, "we", by=by)


@pytest.mark.parametrize("values", [[1, 2, 3, 4], [9, 7, 8, 5, 4, 3], [2, 1, 3, 5, 4, 6, 8, 7, 9, 10, 12, 11]])
def test_kendalls_test_equals_scipys(values: list[float]) -> None:
    rising = sum(b > a for a, b in pairwise(values)) * 2 > len(values) - 1
    wanted = stats.kendalltau(
        range(len(values)), values, method="exact", alternative="greater" if rising else "less"
    ).pvalue
    assert kendall_p(values) == pytest.approx(wanted)


def test_the_slope_equals_scipys() -> None:
    found = points(84, 83, 79, 81, 70, 77)
    wanted = stats.theilslopes([p.value for p in found], [p.end.toordinal() for p in found]).slope
    assert sen_slope(found) == pytest.approx(wanted)


def test_a_met_target_that_heads_over_its_threshold_is_at_risk() -> None:
    found = course(at_least(80), points(90, 88, 86, 84, 82, 81), "%")
    assert found.at_risk
    assert found.projected == pytest.approx(79.0, abs=0.5)
    assert "getting worse" in found.sentence


def test_a_fall_that_does_not_get_there_in_time_is_no_risk() -> None:
    assert course(at_least(80), points(95, 94, 93, 92, 91), "%").at_risk is False


def test_a_target_with_a_day_is_projected_to_that_day_but_no_further_than_it_is_known_back() -> None:
    falling = points(95, 94, 93, 92, 91)
    soon = course(at_least(85, falling[-1].end + timedelta(days=90)), falling, "%")
    late = course(at_least(85, date(2040, 1, 1)), falling, "%")
    assert soon.at_risk is False
    assert soon.projected == pytest.approx(88.0)
    assert late.on == falling[-1].end + timedelta(days=120)
    assert late.projected == pytest.approx(87.0)


def test_a_missed_target_that_will_not_make_it_by_its_day_is_at_risk_and_one_that_will_is_not() -> None:
    rising = points(60, 62, 64, 66, 68)
    assert course(at_least(90, rising[-1].end + timedelta(days=60)), rising, "%").at_risk
    assert course(at_least(72, rising[-1].end + timedelta(days=60)), rising, "%").at_risk is False


def test_a_missed_target_without_a_day_is_missed_and_not_at_risk() -> None:
    assert course(at_least(90), points(60, 62, 64, 66, 68), "%").at_risk is False


def test_at_most_is_the_other_side() -> None:
    target = Target("t", "abandonment", "at_most", 20, "we")
    assert course(target, points(10, 12, 14, 16, 18, 19), "%").at_risk
    assert course(target, points(19, 17, 15, 13, 12, 10), "%").at_risk is False


def test_too_few_periods_say_nothing() -> None:
    found = course(at_least(80), points(90, 85, 81), "%")
    assert found.at_risk is None
    assert "3 of at least 4" in found.sentence


def test_noise_around_a_level_just_over_the_threshold_is_rarely_a_risk() -> None:
    random = Random(20261124)
    flags = sum(
        bool(course(at_least(80), points(*(random.gauss(81, 2) for _ in range(12))), "%").at_risk) for _ in range(2000)
    )
    assert flags / 2000 < 0.05


def seen_weekly(days: int, values: list[float]) -> list[Point]:
    """A value over so many days up to each of the weeks that it is evaluated in."""
    ends = [START + timedelta(weeks=n) for n in range(len(values))]
    return [Point(end - timedelta(days=days), end, value) for end, value in zip(ends, values, strict=True)]


def test_overlapping_periods_of_something_that_stays_the_same_are_rarely_a_risk() -> None:
    """Means of four independent weeks each, looked at every week: taken one by one, they make a trend in 13 of 100."""
    random, flags = Random(20261129), 0
    for _ in range(1000):
        weeks = [random.gauss(0, 0.2) for _ in range(44)]
        means = [80.1 + sum(weeks[n : n + 4]) / 4 for n in range(40)]
        found = course(at_least(80.05), seen_weekly(28, means), "%")
        assert found.periods == 10
        flags += bool(found.at_risk)
    assert flags / 1000 < 0.05


def test_of_overlapping_periods_the_newest_stands_and_going_back_those_that_ended_before_it_began() -> None:
    found = course(at_least(80), seen_weekly(14, [95, 90, 93, 88, 91, 86, 89, 84]), "%")
    assert found.periods == 4
    assert found.projected == pytest.approx(82.0)
    assert found.slope == pytest.approx(-2 / 14)
    assert found.on == START + timedelta(weeks=9)


def test_of_a_year_looked_at_every_week_one_period_is_known() -> None:
    found = course(at_least(80), seen_weekly(365, [90.0 - n for n in range(12)]), "%")
    assert found.at_risk is None
    assert "1 of at least 4 periods that don't overlap" in found.sentence
