from random import Random

import pytest

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.phrases import log_odds, phrase_id, standing_out
from evaluation_engine.domain.comments.quotes import Candidate, Quote, releasable, representative, with_theme
from tests.unit.evaluation_engine.domain.comments.labelled import extractor

pytestmark = pytest.mark.requirement("A7")


def records(text: str, n: int) -> list[CommentRecord]:
    return [extractor()(text)] * n


LETTERS = "abcdefghijklmnopqrstuvwxyzäöüß"
QUIET = [*records("The clerk was kind and everything was fine", 60), *records("It was slow and the form is long", 60)]


def test_a_phrase_that_came_up_is_found_whole_and_once() -> None:
    now = [*QUIET, *records("The signature pad in the new office was broken", 14)]
    found = standing_out(now, QUIET)
    [pad] = [one for one in found if "pad" in one.name]
    assert pad.name == "signature pad"
    assert (pad.n, pad.of, pad.other_n, pad.other_of) == (14, 134, 0, 120)


def test_nine_comments_are_not_enough_and_nothing_stands_out_of_the_same() -> None:
    assert standing_out([*QUIET, *records("The signature pad was broken", 9)], QUIET) == ()
    assert standing_out(QUIET, QUIET) == ()
    assert standing_out([], QUIET) == ()


def test_languages_are_compared_with_themselves_only() -> None:
    now = [*QUIET, *records("Το μηχάνημα υπογραφής χάλασε πάλι", 20)]
    assert standing_out(now, QUIET) == ()
    found = standing_out(now, [*QUIET, *records("Όλα καλά με τους ανθρώπους εδώ", 50)])
    assert {one.language for one in found} == {"el"}


def test_low_scores_are_contrasted_with_high_ones() -> None:
    low = [*records("The captcha never ends", 25), *records("The clerk was kind", 10)]
    high = records("The clerk was kind", 80)
    names = [one.name for one in standing_out(low, high)]
    assert any("captcha" in name for name in names)
    assert not any("clerk" in name for name in names)


def test_the_id_of_a_phrase_stays_though_people_write_it_otherwise() -> None:
    now = [*QUIET, *records("Broken signature pads", 20)]
    [first] = [one for one in standing_out(now, QUIET) if "pad" in one.name]
    later = [*QUIET, *records("BROKEN signature pad", 20)]
    [second] = [one for one in standing_out(later, QUIET) if "pad" in one.name]
    assert (first.name, second.name) == ("broken signature pads", "broken signature pad")
    assert first.id == second.id == phrase_id("en", first.key)


def test_false_discoveries_are_controlled_over_all_languages_together() -> None:
    """A phrase in ten of 50 Greek comments against three of 50 is found alone, and not beside much that is tested."""
    greek_now = [*records("Το μηχάνημα χάλασε", 10), *records("Όλα καλά εδώ", 40)]
    greek_before = [*records("Το μηχάνημα χάλασε", 2), *records("Όλα καλά εδώ", 48)]
    english = [
        record for n in range(30) for record in records(f"Word{'abcdefghijklmnopqrstuvwxyzäöüß'[n]}x was here", 10)
    ]

    alone = standing_out(greek_now, greek_before)
    beside = standing_out([*greek_now, *english], [*greek_before, *english])

    assert {one.language for one in alone} == {"el"}
    assert beside == ()


def test_a_phrase_inside_a_theme_says_which() -> None:
    now = [*QUIET, *records("My refund has not arrived since May", 20)]
    assert {one.theme for one in standing_out(now, QUIET)} == {"payment"}


def test_log_odds_are_those_of_monroe_and_others() -> None:
    """By hand: prior 100 × 30/300 = 10; (20+10)/(100+100-30) against (10+10)/(200+100-20)."""
    ratio, z = log_odds(20, 100, 10, 200)
    assert ratio == pytest.approx(0.9045, abs=1e-3)
    assert z == pytest.approx(0.9045 / (1 / 30 + 1 / 20) ** 0.5, abs=1e-2)
    assert log_odds(20, 100, 20, 100) == (0.0, 0.0)


def test_a_record_comes_back_from_json_and_holds_no_mask() -> None:
    record = extractor()("Please call [phone] about the payment of 12 euros")
    assert CommentRecord.of_json(record.as_json()) == record
    assert not any("phone" in phrase or "12" in phrase for phrase in record.phrases)


def test_the_longest_comment_gives_a_small_record() -> None:
    assert len(extractor()("different words make many phrases here " * 125).phrases) <= 120
    assert extractor()("").phrases == {}


def candidates(*texts: str) -> list[Candidate]:
    return [Candidate(f"{place:03}", text, extractor()(text)) for place, text in enumerate(texts)]


def quotes(*texts: str, most: int = 3) -> tuple[Quote, ...]:
    said = candidates(*texts)
    return representative(said, with_theme(said, "payment"), most)


PAYMENT = [
    "The payment page froze when I pressed pay",
    "The payment page froze and my card was charged twice",
    "The payment page froze on my second try with the card",
    "My card was charged twice and nobody gives a refund",
    "Charged twice for the same thing, where is my refund",
    "My refund has not arrived since spring",
    "No refund after I was charged twice",
    "Payment page froze again yesterday evening",
    "Visa!",
    "I dislike the colours of the payment button on the left of the blue box",
]


def test_quotes_are_central_unlike_each_other_and_always_the_same() -> None:
    found = quotes(*PAYMENT, "The clerk was kind to me", most=2)
    assert found == quotes(*PAYMENT, "The clerk was kind to me", most=2)
    assert len(found) == 2
    assert "colours" not in found[0].text
    assert all("payment" in extractor()(quote.text).themes for quote in found)


def test_what_many_wrote_word_for_word_is_quoted_once() -> None:
    found = quotes(*[PAYMENT[0]] * 12, PAYMENT[4])
    assert sorted(quote.text for quote in found) == sorted([PAYMENT[0], PAYMENT[4]])


def test_below_ten_comments_nobody_is_quoted() -> None:
    assert quotes(*PAYMENT[:9]) == ()


def test_only_a_comment_of_a_theme_of_ten_may_be_released() -> None:
    said = candidates(*PAYMENT, "The clerk was kind to me")
    assert releasable(said, "payment", "000") == Quote("000", PAYMENT[0], "en")
    assert releasable(said, "payment", "010") is None, "it isn't about payment"
    assert releasable(said, "payment", "999") is None, "there is no such comment"
    assert releasable(said[:9], "payment", "000") is None, "nine are too few"


def test_among_comments_of_the_same_people_hardly_ever_anything_stands_out() -> None:
    chance = Random(8)

    def comments() -> list[CommentRecord]:
        said = ({f"w{word}": f"w{word}" for word in range(40) if chance.random() < 0.3} for _ in range(120))
        return [CommentRecord("en", False, (), phrases, "t") for phrases in said]

    runs = [bool(standing_out(comments(), comments())) for _ in range(200)]
    assert sum(runs) <= 20, "5 % are 10; 20 are three standard deviations more"
