"""What is kept of a comment: a small record, made once when the comment arrives, and erased with it.

The record goes with the stored answer; `measures_of` is its contribution to the aggregates, beside that
of the scores. Taking a comment out is subtracting the same map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.comments import language, script
from evaluation_engine.domain.comments.matching import Matcher
from evaluation_engine.domain.comments.stems import Reduce, stem
from evaluation_engine.domain.comments.taxonomy import Taxonomy
from evaluation_engine.domain.comments.text import Token, tokens

LONGEST_PHRASE: Final = 3
MOST_PHRASES: Final = 120
_LEAST_LETTERS: Final = 3


@dataclass(frozen=True, slots=True)
class CommentRecord:
    """What a comment is about.

    `phrases` are candidates: their key, and how it was written. `taxonomy` is the digest of the one it was made with.
    """

    language: str
    mixed: bool
    themes: tuple[str, ...]
    phrases: Mapping[str, str]
    taxonomy: str

    def as_json(self) -> dict[str, Any]:
        """Return the record for a JSON column."""
        return {
            "language": self.language,
            "mixed": self.mixed,
            "themes": list(self.themes),
            "phrases": dict(self.phrases),
            "taxonomy": self.taxonomy,
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> CommentRecord:
        """Return the record of `as_json`."""
        return cls(
            stored["language"], stored["mixed"], tuple(stored["themes"]), dict(stored["phrases"]), stored["taxonomy"]
        )


class Extractor:
    """Makes records with one taxonomy. Deterministic; build it once, it keeps what it learned about words."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        detect: language.LanguageDetector,
        *,
        shared: tuple[script.Script, ...] = ("Arab",),
        reduce: Reduce = stem,
    ) -> None:
        self._digest = taxonomy.digest
        self._stop_words = frozenset[str]().union(*taxonomy.stop_words.values())
        self._detect = detect
        self._shared = shared
        self._reduce = reduce
        self._matcher = Matcher(taxonomy, reduce)

    @property
    def digest(self) -> str:
        """Of the taxonomy that records are made with."""
        return self._digest

    def __call__(self, comment: str) -> CommentRecord:
        """Return the record of a masked comment (any text, also an empty one)."""
        decided = language.decide(comment, self._detect, self._shared)
        words = tokens(comment)
        return CommentRecord(
            decided.language,
            decided.mixed,
            self._matcher.themes(words, decided.language),
            self._phrases(words, decided.language),
            self._digest,
        )

    def _phrases(self, words: tuple[Token, ...], tag: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(len(words)):
            for end in range(start + 1, min(start + LONGEST_PHRASE, len(words)) + 1):
                piece = words[start:end]
                if piece[-1].stops:
                    break
                if piece[0].text in self._stop_words or piece[-1].text in self._stop_words:
                    continue
                if len(piece) == 1 and len(piece[0].text) < _LEAST_LETTERS:
                    continue
                if len(found) >= MOST_PHRASES:
                    return found
                key = " ".join(self._reduce(word.text, self._language_of(word, tag)) for word in piece)
                found.setdefault(key, " ".join(word.surface for word in piece))
        return found

    def _language_of(self, word: Token, tag: str) -> str:
        written = script.of_word(word.text)
        if written == "Latn" and tag in {"el", "fa", language.UNDETERMINED}:
            return "en"
        return language.SCRIPT_LANGUAGE.get(written, tag) if tag != "ar" else tag


def measures_of(record: CommentRecord, rating: int | None) -> Measures:
    """What a comment adds: itself, its language, its themes; each as `.n` and, with a rating, `.rating.<1 to 5>`."""
    names = ["comment", f"comment.language.{record.language}", *(f"theme.{theme}" for theme in record.themes)]
    found: Measures = {f"{name}.n": 1 for name in names}
    if rating is not None:
        found |= {f"{name}.rating.{rating}": 1 for name in names}
    return found
