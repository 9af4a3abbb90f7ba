"""Sums of measures as people write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.expression import FIXED, ExpressionError, need_of, parse

pytestmark = pytest.mark.requirement("A1")

MEASURES = {"j.completed": 90, "j.ineligible": 10, "rating.4": 7, "q.clarity-of-text.5": 3, "m.up-seconds.sum": 5_500}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("j.completed", 90),
        ("j.completed - j.ineligible", 80),
        ("j.completed − j.ineligible", 80),
        ("- j.ineligible + j.completed", 80),
        ("2 * j.ineligible + 0.5 * j.completed", 65),
        ("q.clarity-of-text.5 + rating.4", 10),
        ("m.up-seconds", Fraction(11, 2)),
        ("step.pay.reached", 0),
        ("  j.completed\n  + rating.4 ", 97),
    ],
)
def test_a_sum_says_what_it_adds(text: str, value: int) -> None:
    assert parse(text).of(MEASURES) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("j.completed -", "ends with no measure"),
        ("j.completed-j.ineligible", "signs stand between spaces"),
        ("j.completed rating.4", "put + or - before rating.4"),
        ("j.complete", "did you mean j.completed?"),
        ("100", "100 stands alone"),
        ("j.completed * 2", "put + or - before *"),
        ("__import__('os')", "is not a measure"),
        ("rating.6", "is not a measure"),
        ("q.Ease.1", "is not a measure"),
        ("1e9 * answers", "1e9 is not a measure"),
        ("j.completed / j.started", "put + or - before /"),
        (" + ".join(["answers"] * 61), "more than 60 parts"),
    ],
)
def test_what_is_no_sum_of_measures_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason.replace("+", r"\+").replace("*", r"\*").replace("?", r"\?")):
        parse(text)


@given(st.text(max_size=200))
def test_any_text_is_a_sum_or_refused(text: str) -> None:
    try:
        assert parse(text).names
    except ExpressionError as error:
        assert str(error)


@pytest.mark.parametrize(
    "name", [*sorted(FIXED), "q.ease.3", "q.drivers.price.ticked", "step.pay.errors", "m.cost.sum"]
)
def test_every_measure_names_what_has_to_be_sent(name: str) -> None:
    need = need_of(name)
    assert need.fields
    assert need.measures
