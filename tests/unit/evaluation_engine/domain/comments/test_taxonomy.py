from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from civiloop_shared.settings import settings_faults
from evaluation_engine.__main__ import check_taxonomy
from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.matching import Matcher
from evaluation_engine.domain.comments.taxonomy import Taxonomy, TaxonomyError, parse
from evaluation_engine.domain.comments.text import tokens
from evaluation_engine.settings import EngineSettings

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
  - {id: wait, title: {en: Wait, el: 5}, terms: []}
  - 5
  - {id: cost, title: {en: Cost}, terms: {en: [e-cost, price, Price]}, colour: red}
  - {id: old, merged_into: gone}
  - {id: here, merged_into: there, terms: {}}
  - {id: there, merged_into: here}
  - {id: into, merged_into: here}
  - {id: list, merged_into: [a]}
  - {id: to-list, merged_into: list}
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
        "themes[2].title",
        "themes[2].terms",
        "themes[3]",
        "themes[4].colour",
        "themes[4].terms.en",
        "themes[4].terms.en",
        "themes[6].terms",
        "old.merged_into",
        "here.merged_into",
        "there.merged_into",
        "into.merged_into",
        "list.merged_into",
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


def test_every_term_of_the_shipped_taxonomy_can_be_found() -> None:
    shipped = read_taxonomy()
    matcher = Matcher(shipped)
    missed = [
        (theme.id, language, " ".join(term))
        for theme in shipped.themes
        for language, terms in theme.terms.items()
        for term in terms
        if theme.id not in matcher.themes(tokens(" ".join(word.removesuffix("*") for word in term)), language)
    ]
    assert missed == []


def test_an_id_that_is_no_longer_in_use_leads_to_the_theme_that_it_went_into_in_the_end() -> None:
    text = SMALL + "  - {id: fees, merged_into: costs}\n  - {id: costs, title: {en: Costs}, merged_into: payment}\n"
    merged = parse(text)

    assert merged.successors == {"fees": "payment", "costs": "payment"}
    assert [theme.id for theme in merged.themes] == ["payment"]
    assert merged.digest == parse(SMALL).digest, "comments are read for the same as before"
    assert ThemeBook.of(merged).fingerprint != ThemeBook.of(parse(SMALL)).fingerprint


def test_what_was_counted_under_an_old_id_is_counted_under_its_successor() -> None:
    book = ThemeBook.of(parse(SMALL + "  - {id: fees, merged_into: payment}\n"))
    measures = {"comment.n": 9, "theme.fees.n": 4, "theme.fees.rating.2": 3, "theme.payment.n": 2, "theme.wait.n": 1}

    assert book.counted(measures) == {
        "comment.n": 9,
        "theme.payment.n": 6,
        "theme.payment.rating.2": 3,
        "theme.wait.n": 1,
    }
    record = CommentRecord("en", False, ("fees", "payment", "wait"), {}, "old")
    assert book.read(record).themes == ("payment", "wait")


def test_the_command_lists_every_fault_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SMALL, "utf-8")
    bad.write_text(SMALL.replace("payment,", "e-cost,").replace("version: 1", "version: one"), "utf-8")

    check_taxonomy([str(good)])
    assert capsys.readouterr().out.startswith("good: version 1, 1 themes in use, 0 merged into them; digest ")
    with pytest.raises(SystemExit, match="1"):
        check_taxonomy([str(bad)])
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "version",
        "themes[0].terms.en",
    ]
    with pytest.raises(SystemExit, match="2"):
        check_taxonomy([str(tmp_path / "nowhere.yaml")])


def test_a_process_with_a_faulty_taxonomy_does_not_start_and_says_all_that_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SMALL.replace("payment,", "e-cost,").replace("version: 1", "version: one"), "utf-8")
    given: dict[str, Any] = {"DATABASE_URL": "postgresql://x@y/z", "KAFKA_BOOTSTRAP_SERVERS": "h:1", "taxonomy": bad}

    with pytest.raises(ValidationError) as caught:
        EngineSettings(**given)

    (fault,) = settings_faults(caught.value)
    assert fault.startswith("CIVILOOP_TAXONOMY: has faults\n    version: ")
    assert "e-cost" in fault


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
