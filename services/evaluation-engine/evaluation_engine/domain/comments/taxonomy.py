"""The themes a body looks for, as data: an editable taxonomy in several languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import yaml

from evaluation_engine.domain.comments.text import normalise

_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,40}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?")


class TaxonomyError(ValueError):
    """A taxonomy that can't be used; `faults` names all that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme: its id for ever, its title by language, its terms by language as normalised words."""

    id: str
    title: Mapping[str, str]
    terms: Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Themes and stop words; `digest` changes when anything does that changes what a comment is about."""

    version: int
    themes: tuple[Theme, ...]
    stop_words: Mapping[str, frozenset[str]]
    digest: str

    def title(self, theme: str, language: str) -> str:
        """Title in a language, else in English, else the id (a theme that was taken out)."""
        found = next((one.title for one in self.themes if one.id == theme), {})
        return found.get(language) or found.get("en") or theme


def parse(text: str) -> Taxonomy:
    """Read a taxonomy from YAML. Raises TaxonomyError with every fault."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TaxonomyError([f"not YAML: {error}"]) from error
    faults = list(_faults(raw))
    if faults:
        raise TaxonomyError(faults)
    themes = tuple(
        Theme(
            one["id"],
            dict(one["title"]),
            {tag: tuple(tuple(normalise(term).split()) for term in terms) for tag, terms in one["terms"].items()},
        )
        for one in raw["themes"]
    )
    stop_words = {tag: frozenset(normalise(words).split()) for tag, words in (raw.get("stop_words") or {}).items()}
    return Taxonomy(raw["version"], themes, stop_words, _digest(themes, stop_words))


def _digest(themes: tuple[Theme, ...], stop_words: Mapping[str, frozenset[str]]) -> str:
    matter = [(one.id, sorted((tag, sorted(terms)) for tag, terms in one.terms.items())) for one in themes]
    words = sorted((tag, sorted(found)) for tag, found in stop_words.items())
    return blake2b(repr((sorted(matter), words)).encode(), digest_size=6).hexdigest()


def _faults(raw: object) -> Iterator[str]:
    if not isinstance(raw, dict) or not isinstance(raw.get("themes"), list):
        yield "a mapping with `version` and a list `themes` is needed"
        return
    if not isinstance(raw.get("version"), int):
        yield "version: an integer is needed"
    seen: set[str] = set()
    for place, theme in enumerate(raw["themes"]):
        yield from _theme_faults(theme, f"themes[{place}]", seen)
    stop_words = raw.get("stop_words") or {}
    if not isinstance(stop_words, dict) or not all(isinstance(words, str) for words in stop_words.values()):
        yield "stop_words: one text of words by language is needed"


def _theme_faults(theme: object, at: str, seen: set[str]) -> Iterator[str]:
    if not isinstance(theme, dict):
        yield f"{at}: a mapping is needed"
        return
    name = theme.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        yield f"{at}.id: {name!r} is not 2 to 41 lower case letters, digits and hyphens"
    elif name in seen:
        yield f"{at}.id: {name!r} is there twice"
    else:
        seen.add(name)
    title = theme.get("title")
    if not isinstance(title, dict) or not isinstance(title.get("en"), str):
        yield f"{at}.title: at least a title in `en` is needed"
    terms = theme.get("terms")
    if not isinstance(terms, dict) or not terms:
        yield f"{at}.terms: lists of terms by language are needed"
        return
    for language, found in terms.items():
        yield from _term_faults(found, language, f"{at}.terms.{language}")


def _term_faults(terms: object, language: object, at: str) -> Iterator[str]:
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        yield f"{at}: not a language"
    if not isinstance(terms, list):
        yield f"{at}: a list is needed"
        return
    for term in terms:
        if not isinstance(term, str) or not term.strip():
            yield f"{at}: {term!r} is not a term"
        elif any("*" in word[:-1] or len(word.rstrip("*")) < 3 for word in term.split() if "*" in word):
            yield f"{at}: {term!r}: a star ends a word of at least three letters"
