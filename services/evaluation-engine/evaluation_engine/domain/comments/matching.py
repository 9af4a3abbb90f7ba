"""Which themes a comment has: stems, beginnings and short sequences of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from evaluation_engine.domain.comments import script
from evaluation_engine.domain.comments.greeklish import GREEKLISH, readings
from evaluation_engine.domain.comments.language import SCRIPT_LANGUAGE, UNDETERMINED
from evaluation_engine.domain.comments.stems import Reduce, stem
from evaluation_engine.domain.comments.taxonomy import Taxonomy
from evaluation_engine.domain.comments.text import Token

MOST_BETWEEN: Final = 2
_NOTHING: Final[frozenset[str]] = frozenset()


class _Sequence(NamedTuple):
    theme: str
    keys: tuple[str, ...]


class _Lexicon:
    """The terms of one language, ready to look up."""

    def __init__(self, taxonomy: Taxonomy, language: str, reduce: Reduce) -> None:
        terms = {
            _Sequence(theme.id, tuple(word if word.endswith("*") else reduce(word, language) for word in term))
            for theme in taxonomy.themes
            for term in theme.terms.get(language, ())
        }
        self.vocabulary = frozenset(key for term in terms for key in term.keys)
        self.beginnings = frozenset(key[:-1] for key in self.vocabulary if key.endswith("*"))
        self.by_first: dict[str, list[_Sequence]] = {}
        for term in sorted(terms):
            self.by_first.setdefault(term.keys[0], []).append(term)

    def keys(self, word: str, reduced: str) -> frozenset[str]:
        """Every key of the vocabulary that a word satisfies."""
        found = {f"{word[:length]}*" for length in range(3, len(word) + 1) if word[:length] in self.beginnings}
        if reduced in self.vocabulary:
            found.add(reduced)
        return frozenset(found)


class Matcher:
    """Finds the themes of a taxonomy in the words of a comment. Keeps what it learned about words; no other state."""

    def __init__(self, taxonomy: Taxonomy, reduce: Reduce = stem) -> None:
        self._reduce = reduce
        languages = {language for theme in taxonomy.themes for language in theme.terms}
        self._lexicons = {language: _Lexicon(taxonomy, language, reduce) for language in languages}
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    def themes(self, words: Sequence[Token], language: str) -> tuple[str, ...]:
        """Ids of the themes, sorted. A comment in a language without terms has none, whatever its words look like."""
        by_language: dict[str, list[frozenset[str]]] = {}
        reads = [self._lexicon_of(word, language) for word in words]
        for name in {read for read in reads if read}:
            by_language[name] = [
                self._keys(word.text, name) if read == name else _NOTHING
                for word, read in zip(words, reads, strict=True)
            ]
        stops = [word.stops for word in words]
        found = {theme for name, keys in by_language.items() for theme in self._found(name, keys, stops)}
        return tuple(sorted(found))

    def _lexicon_of(self, word: Token, language: str) -> str | None:
        """The lexicon a word is looked up in: that of its script, so that mixed comments are read word by word."""
        if word.stops:
            return None
        written = script.of_word(word.text)
        if written == "Latn":
            if language == GREEKLISH:
                return GREEKLISH
            return "en" if language in {"en", "el", "fa", UNDETERMINED} else self._own(language)
        of_script = SCRIPT_LANGUAGE.get(written)
        if of_script == "fa" and language not in {"fa", "en", "el", GREEKLISH, UNDETERMINED}:
            return self._own(language)
        return of_script or self._own(language)

    def _own(self, language: str) -> str | None:
        return language if language in self._lexicons else None

    def _keys(self, word: str, lexicon: str) -> frozenset[str]:
        if (known := self._known.get((word, lexicon))) is not None:
            return known
        if lexicon == GREEKLISH:
            greek = self._lexicons.get("el")
            latin = self._lexicons.get("en")
            keys = readings(word, greek.vocabulary) if greek else _NOTHING
            if latin:
                keys |= latin.keys(word, self._reduce(word, "en"))
        else:
            of = self._lexicons.get(lexicon)
            keys = of.keys(word, self._reduce(word, lexicon)) if of else _NOTHING
        if len(self._known) < 200_000:
            self._known[word, lexicon] = keys
        return keys

    def _found(self, name: str, keys: Sequence[frozenset[str]], stops: Sequence[bool]) -> Iterable[str]:
        lexicons = ("el", "en") if name == GREEKLISH else (name,)
        for lexicon in lexicons:
            by_first = self._lexicons[lexicon].by_first if lexicon in self._lexicons else {}
            for at, satisfied in enumerate(keys):
                for key in satisfied:
                    for term in by_first.get(key, ()):
                        if _follows(term.keys[1:], keys, stops, at + 1):
                            yield term.theme


def _follows(rest: tuple[str, ...], keys: Sequence[frozenset[str]], stops: Sequence[bool], start: int) -> bool:
    """True when the rest of a term follows in order, near, and before the sentence ends."""
    if not rest:
        return True
    for at in range(start, min(start + 1 + MOST_BETWEEN, len(keys))):
        if stops[at]:
            return False
        if rest[0] in keys[at] and _follows(rest[1:], keys, stops, at + 1):
            return True
    return False
