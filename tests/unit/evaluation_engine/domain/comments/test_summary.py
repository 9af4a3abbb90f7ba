"""Themes as they are stored: from counts alone."""

import pytest

from evaluation_engine.domain.comments.summary import summarise

TITLES = {"payment": {"en": "Payment", "el": "Πληρωμή"}}


def month(payment: int, others: int) -> dict[str, int]:
    """Comments of a month: those about payment rate 1, all others 4; five have no theme and no rating."""
    return {
        "comment.n": payment + others + 5,
        "comment.rating.1": payment,
        "comment.rating.4": others,
        "theme.payment.n": payment,
        "theme.payment.rating.1": payment,
        "theme.ease.n": 4,
        "theme.ease.rating.4": 4,
    }


@pytest.mark.requirement("C5")
def test_a_theme_has_its_volume_cost_movement_and_languages() -> None:
    spoken = {"el": {"theme.payment.n": 30}, "en": {"theme.payment.n": 10}, "fa": {}}

    (found,) = summarise(month(40, 100), [month(10, 100)] * 8, spoken, TITLES)

    assert (found.theme, found.title, found.n, found.rated) == ("payment", TITLES["payment"], 40, 40)
    assert found.share == pytest.approx(40 / 145)
    assert found.share_before == pytest.approx(10 / 115)
    assert found.mean == 1
    assert found.overall_mean == pytest.approx(440 / 140)
    assert found.impact == pytest.approx(40 / 140 * (440 / 140 - 1))
    assert found.interval is not None
    assert found.interval.low is not None
    assert found.interval.low > 0
    assert found.state == "rising"
    assert found.languages == {"el": 30, "en": 10}


def test_a_theme_that_never_came_up_is_new_and_one_with_too_short_a_past_is_neither() -> None:
    nothing = {**month(0, 100), "theme.payment.n": 0}

    assert [one.state for one in summarise(month(40, 100), [nothing] * 6, {}, {})] == ["new"]
    assert [one.state for one in summarise(month(40, 100), [nothing] * 5, {}, {})] == ["steady"]


def test_a_theme_of_fewer_than_ten_comments_is_not_told() -> None:
    assert summarise(month(9, 100), [], {}, TITLES) == ()


def test_a_theme_without_ratings_has_no_cost_and_comes_last() -> None:
    unrated = {**month(40, 100), "theme.waiting.n": 60}

    first, last = summarise(unrated, [], {}, {})

    assert (first.theme, last.theme, last.title) == ("payment", "waiting", {"en": "waiting"})
    assert (last.mean, last.impact, last.interval, last.q_value, last.rated) == (None, None, None, None, 0)


def test_without_comments_there_are_no_themes() -> None:
    assert summarise({"rating.5": 100}, [{}], {}, TITLES) == ()
