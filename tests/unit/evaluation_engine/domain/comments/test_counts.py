import time
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from evaluation_engine.domain.accumulator import Measures, add, merge, subtract
from evaluation_engine.domain.comments.extraction import CommentRecord, measures_of
from evaluation_engine.domain.comments.impact import impacts
from evaluation_engine.domain.comments.permutation import permutation_p
from evaluation_engine.domain.comments.trend import trends

pytestmark = [pytest.mark.requirement("A7"), pytest.mark.requirement("C5")]


def record(*themes: str) -> CommentRecord:
    return CommentRecord("en", False, themes, {}, "")


def total(comments: Sequence[tuple[int | None, tuple[str, ...]]]) -> Measures:
    return merge(measures_of(record(*themes), rating) for rating, themes in comments)


def window(comments: int, **themes: int) -> Measures:
    return {"comment.n": comments} | {f"theme.{name}.n": n for name, n in themes.items() if n}


def test_the_permutation_test_equals_going_through_all_draws() -> None:
    everything = [1, 1, 1, 2, 3, 5, 5, 5, 4, 1, 2]
    drawn = [1, 1, 2, 3]
    sums = [sum(draw) for draw in combinations(everything, len(drawn))]
    middle = np.mean(sums)
    oracle = np.mean([abs(one - middle) >= abs(sum(drawn) - middle) - 1e-9 for one in sums])
    found = permutation_p([drawn.count(k) for k in range(1, 6)], [everything.count(k) for k in range(1, 6)])
    assert found == pytest.approx(oracle, abs=1e-10)


def test_the_permutation_test_equals_resampling_where_there_are_many() -> None:
    everything, drawn = [60, 30, 40, 120, 350], [14, 6, 5, 12, 30]
    generator = np.random.default_rng(5)
    sums = generator.multivariate_hypergeometric(everything, sum(drawn), size=200_000) @ np.arange(5)
    middle = sum(drawn) * (np.array(everything) @ np.arange(5)) / sum(everything)
    oracle = np.mean(np.abs(sums - middle) >= abs(np.array(drawn) @ np.arange(5) - middle) - 1e-9)
    assert permutation_p(drawn, everything) == pytest.approx(oracle, abs=0.002)


@pytest.mark.parametrize("low", [12, 16, 20, 26])
def test_the_permutation_test_goes_over_into_its_limit(low: int, monkeypatch: pytest.MonkeyPatch) -> None:
    everything, drawn = [150, 130, 170, 350, 520], [low, 12, 14, 26, 44]
    limit = permutation_p(drawn, everything)
    monkeypatch.setattr("evaluation_engine.domain.comments.permutation._NORMAL_FROM", 10_000.0)
    assert limit == pytest.approx(permutation_p(drawn, everything), rel=0.15)


def test_where_nothing_can_be_compared_chance_explains_all() -> None:
    assert permutation_p([0, 5], [0, 10]) == 1.0
    assert permutation_p([], []) == permutation_p([2, 2], [2, 2]) == 1.0


def test_an_erased_comment_leaves_no_trace() -> None:
    comments: list[tuple[int | None, tuple[str, ...]]] = [(1, ("login",)), (None, ("login", "cost")), (5, ())]
    counted = total(comments)
    assert counted["theme.login.n"] == 2
    assert counted["theme.login.rating.1"] == counted["comment.rating.5"] == 1
    subtract(counted, measures_of(record("login", "cost"), None))
    assert counted == total([comments[0], comments[2]])
    subtract(counted, total([comments[0], comments[2]]))
    assert counted == {}


def test_the_costliest_theme_comes_first_and_a_theme_without_effect_is_not_found() -> None:
    comments = [(1, ("login",))] * 30 + [(2, ("cost",))] * 12 + [(5, ("staff",))] * 20 + [(4, ())] * 100
    comments += [(4, ("rare",))] * 9 + [(rating, ("even",)) for rating in (1, 2, 4, 4, 4, 4, 4, 4, 5, 4, 3, 2)]
    ranked = impacts(total(comments))
    assert [one.theme for one in ranked] == ["login", "cost", "even", "staff"]
    by_theme = {one.theme: one for one in ranked}
    assert {name for name, one in by_theme.items() if one.found} == {"login", "cost", "staff"}
    assert by_theme["staff"].high < 0 < by_theme["login"].low


def test_impact_is_prevalence_times_the_distance_to_the_overall_mean() -> None:
    found = impacts(total([(2, ("login",))] * 10 + [(5, ())] * 30))[0]
    assert found.prevalence == 0.25
    assert found.impact == pytest.approx(0.25 * (4.25 - 2))
    assert found.low < found.impact < found.high


@pytest.mark.parametrize(("size", "share"), [(60, 0.3), (200, 0.1), (1000, 0.05)])
def test_the_interval_of_an_impact_covers_the_truth(size: int, share: float) -> None:
    with_it, without = np.array([0.4, 0.2, 0.1, 0.1, 0.2]), np.array([0.05, 0.05, 0.1, 0.3, 0.5])
    scores = np.arange(1, 6)
    truth = share * (1 - share) * float((without - with_it) @ scores)
    generator, covered, runs = np.random.default_rng(11), 0, 1500
    for _ in range(runs):
        n = max(10, int(generator.binomial(size, share)))
        drawn, rest = generator.multinomial(n, with_it), generator.multinomial(size - n, without)
        counted: Measures = {"theme.a.n": n}
        for k in scores:
            counted[f"theme.a.rating.{k}"] = int(drawn[k - 1])
            counted[f"comment.rating.{k}"] = int(drawn[k - 1] + rest[k - 1])
        [found] = impacts(counted)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / runs <= 0.985, covered / runs


def test_themes_that_mean_nothing_are_seldom_found() -> None:
    generator, alarms = np.random.default_rng(3), 0
    for _ in range(300):
        comments = [
            (int(generator.integers(1, 6)), tuple(f"t{k}" for k in range(12) if generator.random() < 0.12))
            for _ in range(150)
        ]
        alarms += any(one.found for one in impacts(total(comments)))
    assert alarms <= 0.08 * 300


def test_a_theme_is_new_rising_or_steady() -> None:
    now = window(200, fresh=15, more=40, same=20, few=5)
    before = [window(200, more=10, same=21, few=0) for _ in range(6)]
    assert {one.theme: one.movement for one in trends(now, before)} == {
        "fresh": "new",
        "more": "rising",
        "same": "steady",
    }


def test_nothing_is_new_where_there_was_nothing_before() -> None:
    for before in ([], [window(0)] * 8, [window(200)] * 5):
        assert {one.movement for one in trends(window(200, login=50), before)} <= {"steady"}


def test_a_theme_that_comes_in_waves_does_not_rise_with_each_wave() -> None:
    waves = [window(200, login=n) for n in (2, 44, 3, 40, 1, 45)]
    [found] = trends(window(200, login=42), waves)
    assert found.movement == "steady"
    [calm] = trends(window(200, login=42), [window(200, login=22) for _ in range(6)])
    assert calm.movement == "rising"


def test_steady_themes_seldom_rise() -> None:
    generator, alarms = np.random.default_rng(7), 0
    shares = np.linspace(0.03, 0.3, 12)
    for _ in range(300):
        windows = [
            window(150, **{f"t{k}": int(generator.binomial(150, p)) for k, p in enumerate(shares)}) for _ in range(7)
        ]
        alarms += any(one.movement != "steady" for one in trends(windows[0], windows[1:]))
    assert alarms <= 0.05 * 300


def test_the_windows_before_are_a_group_so_that_days_can_be_merged_first() -> None:
    days = [window(30, login=k) for k in range(4)]
    merged: Measures = {}
    for day in days:
        add(merged, day)
    assert merged == window(120, login=6)


def test_judging_many_themes_takes_moments() -> None:
    generator = np.random.default_rng(1)
    comments = [
        (int(generator.integers(1, 6)), tuple(f"t{k}" for k in range(20) if generator.random() < 0.1))
        for _ in range(3000)
    ]
    counted = total(comments)
    start = time.perf_counter()
    impacts(counted)
    assert time.perf_counter() - start < 1
