"""How good it is on labelled comments. The figures in docs/explanation/comments.md are these."""

import pytest

from evaluation_engine.adapters.lingua_detector import LinguaDetector
from evaluation_engine.domain.comments.language import decide
from tests.unit.evaluation_engine.domain.comments.labelled import TUNED_ON, UNSEEN, comments, extractor, score

pytestmark = pytest.mark.requirement("A7")


@pytest.mark.parametrize(
    ("kind", "precision", "recall", "f1"),
    [("en", 0.72, 0.50, 0.60), ("el", 0.83, 0.50, 0.63), ("fa", 0.84, 0.54, 0.66)],
)
def test_themes_of_comments_that_the_taxonomy_was_not_made_for(
    kind: str, precision: float, recall: float, f1: float
) -> None:
    found = score(
        (one.themes, frozenset(extractor()(one.text).themes)) for one in comments(*UNSEEN) if one.kind == kind
    )
    assert found.precision >= precision, found
    assert found.recall >= recall, found
    assert found.f1 >= f1, found


@pytest.mark.parametrize(
    ("kind", "precision", "recall", "f1"),
    [
        ("en", 0.88, 0.95, 0.92),
        ("el", 0.84, 0.95, 0.90),
        ("fa", 0.86, 0.95, 0.91),
        ("greeklish", 0.95, 0.88, 0.92),
        ("mixed", 0.75, 0.95, 0.85),
    ],
)
def test_themes_of_comments_that_the_taxonomy_was_tuned_on(
    kind: str, precision: float, recall: float, f1: float
) -> None:
    found = score(
        (one.themes, frozenset(extractor()(one.text).themes)) for one in comments(*TUNED_ON) if one.kind == kind
    )
    assert found.precision >= precision, found
    assert found.recall >= recall, found
    assert found.f1 >= f1, found


def test_each_language_has_at_least_sixty_labelled_comments() -> None:
    for kind in ("en", "el", "fa"):
        assert sum(1 for one in comments(*TUNED_ON, *UNSEEN) if one.kind == kind) >= 60


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("kind", "right"),
    [("en", 0.91), ("el", 1.0), ("fa", 1.0), ("greeklish", 0.9), ("mixed", 1.0), ("other", 1.0), ("short", 0.8)],
)
def test_the_language_is_mostly_right_and_hardly_ever_wrong(kind: str, right: float, full: bool) -> None:
    detect = LinguaDetector(full=full)
    found = [
        (one.language, decide(one.text, detect).language) for one in comments(*TUNED_ON, *UNSEEN) if one.kind == kind
    ]
    assert sum(wanted == given for wanted, given in found) >= right * len(found), found
    wrong = [(wanted, given) for wanted, given in found if given not in {wanted, "und"}]
    assert len(wrong) <= (0 if full else 0.08 * len(found)), wrong


def test_a_comment_in_another_language_has_no_theme_and_is_counted_by_its_language() -> None:
    for one in comments(*TUNED_ON):
        if one.kind == "other":
            assert extractor()(one.text).themes == (), one
