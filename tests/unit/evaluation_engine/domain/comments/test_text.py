import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.comments import script
from evaluation_engine.domain.comments.greeklish import is_greeklish, readings
from evaluation_engine.domain.comments.language import Decision, Guess, decide
from evaluation_engine.domain.comments.stems import stem
from evaluation_engine.domain.comments.text import ZWNJ, normalise, tokens

pytestmark = pytest.mark.requirement("A7")
mixed_text = st.text(st.sampled_from("aZéßαάςΣΐ يىكکةۀأٱ٣۴.,\u0640\u064b" + ZWNJ))


@given(mixed_text)
def test_one_spelling_is_the_spelling_of_itself(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        ("Πληρωμής", "πληρωμησ"),
        ("ΠΛΗΡΩΜΗΣ", "πληρωμησ"),
        ("ταΐζω", "ταιζω"),
        ("علي", "علی"),
        ("كارت", "کارت"),
        ("۱۲٣", "123"),
        ("نمی‌شود", "نمی‌شود"),
        ("سؤال", "سوال"),
        ("Café", "cafe"),
    ],
)
def test_spellings_of_one_word_become_one(written: str, spelling: str) -> None:
    assert normalise(written) == spelling


def test_a_mask_a_number_and_a_full_stop_end_a_phrase() -> None:
    assert [word.text for word in tokens("Call [phone] now. Room 12 b")] == ["call", "", "now", "", "room", "", "b"]


@pytest.mark.parametrize(
    ("forms", "language"),
    [
        (["πληρωμη", "πληρωμησ", "πληρωμων"], "el"),
        (["payment", "payments"], "en"),
        (["سامانه", "سامانه‌ها", "سامانه‌های", "سامانه‌ام"], "fa"),
        (["مدرک", "مدرکم", "مدرک‌هایم", "مدرکها"], "fa"),
        (["کارمند", "کارمندان", "کارمندها"], "fa"),
    ],
)
def test_forms_of_a_word_share_a_stem(forms: list[str], language: str) -> None:
    assert len({stem(form, language) for form in forms}) == 1


def test_a_persian_verb_is_not_taken_for_the_adjective_inside_it() -> None:
    assert stem("نمی‌کند", "fa") != stem("کند", "fa")


@pytest.mark.parametrize("written", ["plirwmi", "plhrwmh", "pliromi", "plyrwmh", "pliromes"])
def test_greeklish_is_read_in_all_its_spellings(written: str) -> None:
    assert readings(written, ["πληρωμ", "καρτ"]) == {"πληρωμ"}


@pytest.mark.parametrize(
    "text",
    [
        "the payment does not work for me",
        "je ne peux pas payer",
        "ich warte den ganzen tag",
        "me gusta mucho",
        "ok",
        "",
    ],
)
def test_other_latin_text_is_not_greeklish(text: str) -> None:
    assert not is_greeklish(text.split())


def _asked(text: str) -> Guess:
    raise AssertionError(f"the detector was asked about {text!r}")


@pytest.mark.parametrize(
    ("text", "language", "by"),
    [
        ("Η πληρωμή", "el", "script"),
        ("پرداخت نشد", "fa", "letters"),
        ("den mporo na plirwso kai perimeno", "el-Latn", "words"),
        ("The payment was not accepted", "en", "words"),
        ("ok", "und", "nothing"),
        ("5/5 👍", "und", "nothing"),
    ],
)
def test_the_detector_is_not_asked_where_letters_or_words_decide(text: str, language: str, by: str) -> None:
    found = decide(text, _asked)
    assert (found.language, found.by) == (language, by)


def test_below_confidence_0_6_the_language_stays_undetermined() -> None:
    assert decide("très lent", lambda _: Guess("fr", 0.59)).language == "und"
    assert decide("très lent", lambda _: Guess("fr", 0.6)).language == "fr"
    assert decide("très lent", lambda _: None) == Decision("und", "nothing", 0.0)


def test_arabic_script_is_persian_at_once_where_nothing_else_is_configured() -> None:
    assert decide("خوب", _asked, shared=()).language == "fa"


def test_two_scripts_of_weight_are_mixed() -> None:
    assert decide("Το login page δεν ανοίγει", _asked).mixed
    assert not decide("Η πληρωμή με sms δεν έγινε ποτέ δεκτή", _asked).mixed


def test_urdu_letters_are_not_persian() -> None:
    assert not script.persian_by_letters("ادائیگی نہیں ہو سکی")
    assert not script.persian_by_letters("صفحة")
