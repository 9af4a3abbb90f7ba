import pytest

from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.domain.comments.matching import Matcher
from evaluation_engine.domain.comments.taxonomy import Taxonomy, TaxonomyError, parse
from evaluation_engine.domain.comments.text import tokens

pytestmark = pytest.mark.requirement("A1")
SMALL = """
version: 1
themes:
  - id: payment
    title: {en: Payment, el: Πληρωμή}
    terms:
      en: [payment, "card declined"]
      el: [πληρωμ*]
"""


def themes(text: str, language: str, taxonomy: Taxonomy | None = None) -> tuple[str, ...]:
    return Matcher(taxonomy or parse(SMALL)).themes(tokens(text), language)


def test_the_shipped_taxonomy_has_each_theme_in_three_languages() -> None:
    shipped = read_taxonomy()
    assert len(shipped.themes) == 12
    for theme in shipped.themes:
        assert set(theme.title) == set(theme.terms) == {"en", "el", "fa"}, theme.id


def test_every_fault_is_named() -> None:
    with pytest.raises(TaxonomyError) as caught:
        parse(
            """
themes:
  - id: Payment
    title: {el: Πληρωμή}
    terms: {english: [a], en: ["", "x*y", "a*"]}
  - {id: wait, title: {en: Wait}, terms: {en: [wait]}}
  - {id: wait, title: {en: Wait}, terms: []}
  - 5
stop_words: [a]
"""
        )
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "version",
        "themes[0].id",
        "themes[0].title",
        "themes[0].terms.english",
        "themes[0].terms.en",
        "themes[0].terms.en",
        "themes[0].terms.en",
        "themes[2].id",
        "themes[2].terms",
        "themes[3]",
        "stop_words",
    ]


@pytest.mark.parametrize("text", ["", "- a", "themes: {", "themes: 5"])
def test_what_is_no_taxonomy_is_refused(text: str) -> None:
    with pytest.raises(TaxonomyError):
        parse(text)


def test_the_digest_changes_with_a_term_and_not_with_a_title_or_the_order() -> None:
    digest = parse(SMALL).digest
    assert parse(SMALL.replace("Payment", "Paying")).digest == digest
    assert parse(SMALL.replace('payment, "card declined"', '"card declined", payment')).digest == digest
    assert parse(SMALL.replace("declined", "refused")).digest != digest


def test_a_title_falls_back_to_english_and_then_to_the_id() -> None:
    assert parse(SMALL).title("payment", "el") == "Πληρωμή"
    assert parse(SMALL).title("payment", "fa") == "Payment"
    assert parse(SMALL).title("gone", "fa") == "gone"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My card was twice declined", True),
        ("My card was once more and again declined", False),
        ("I have a card. Declined", False),
        ("declined card", False),
        ("All payments", True),
    ],
)
def test_words_of_a_term_follow_each_other_within_a_sentence(text: str, found: bool) -> None:
    assert bool(themes(text, "en")) == found


def test_a_mixed_comment_is_read_word_by_word() -> None:
    assert themes("Το payment δεν πέρασε", "el") == ("payment",)
    assert themes("The πληρωμή failed", "en") == ("payment",)
    assert themes("i plirwmi den egine", "el-Latn") == ("payment",)


def test_a_comment_in_another_language_has_no_themes_though_words_look_alike() -> None:
    assert themes("payment", "fr") == ()
    assert themes("payment", "und") == ("payment",)
