"""Which language a comment is in, or that it can't be told.

Script decides what it can; then, for Greeklish and English, the share of short grammatical words (Grefenstette
1995, "Comparing two language identification schemes"); where several configured languages share a
script, a statistical detector decides when it is confident. A wrong language loses the themes of a comment,
an undetermined one does not, so doubt stays doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from evaluation_engine.domain.comments import script
from evaluation_engine.domain.comments.greeklish import GREEKLISH, is_greeklish
from evaluation_engine.domain.comments.text import tokens

UNDETERMINED: Final = "und"
LEAST_LETTERS: Final = 3
LEAST_CONFIDENCE: Final = 0.6
MIXED_SHARE: Final = 0.25

SCRIPT_LANGUAGE: Final[dict[script.Script, str]] = {"Grek": "el", "Arab": "fa"}

_ENGLISH_TEXT: Final = """the and of is was were that this with have has had not you your my it for are be they
 them which would could should what there their from at when who how did does been will can after before because
 still very only every again"""
_ENGLISH: Final = frozenset(_ENGLISH_TEXT.split())
_ENGLISH_SHARE: Final = 0.3
_ENGLISH_WORDS: Final = 2


class Guess(NamedTuple):
    """A language (ISO 639-1) and how sure the detector is, 0 to 1 over the languages it was asked about."""

    language: str
    confidence: float


class LanguageDetector(Protocol):
    """Tells languages apart that share a script."""

    def __call__(self, text: str) -> Guess | None:
        """Return the likeliest of the configured languages, None when there is nothing to go by. Never raises."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The language of a comment (ISO 639-1, `el-Latn` for Greeklish, `und`), by what, and how sure."""

    language: str
    by: Literal["script", "letters", "words", "detector", "nothing"]
    confidence: float
    mixed: bool = False


def decide(text: str, detect: LanguageDetector, shared: Sequence[script.Script] = ("Arab",)) -> Decision:
    """Decide the language of a (masked) text.

    `shared` are the scripts beside Latin and Cyrillic that more than one configured language uses:
    with Arabic or Urdu configured, Persian needs its own letters or the detector's word.
    """
    counts = script.count(text)
    letters = sum(counts.values())
    if letters < LEAST_LETTERS:
        return Decision(UNDETERMINED, "nothing", 0.0)
    (first, most), *rest = counts.most_common()
    mixed = bool(rest) and rest[0][1] >= MIXED_SHARE * letters
    alone = SCRIPT_LANGUAGE.get(first)
    if alone and first not in shared:
        return Decision(alone, "script", most / letters, mixed)
    if first == "Arab" and script.persian_by_letters(text):
        return Decision("fa", "letters", most / letters, mixed)
    if first == "Latn" and (by_words := _by_words(text)):
        return Decision(by_words, "words", most / letters, mixed)
    guess = detect(text)
    if guess is None or guess.confidence < LEAST_CONFIDENCE:
        return Decision(UNDETERMINED, "nothing", guess.confidence if guess else 0.0, mixed)
    return Decision(guess.language, "detector", guess.confidence, mixed)


def _by_words(text: str) -> str | None:
    words = [word.text for word in tokens(text) if not word.stops]
    if is_greeklish(words):
        return GREEKLISH
    english = sum(1 for word in words if word in _ENGLISH)
    return "en" if english >= _ENGLISH_WORDS and english >= _ENGLISH_SHARE * len(words) else None
