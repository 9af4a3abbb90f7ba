"""Everything that is wrong with the file of a taxonomy, each with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from evaluation_engine.domain.comments.text import normalise, tokens

_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,40}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?")
_FIELDS: Final = frozenset({"version", "themes", "stop_words"})
_OF_THEME: Final = frozenset({"id", "title", "terms"})
_OF_MERGED: Final = frozenset({"id", "title", "merged_into"})


def faults_of(raw: object) -> list[str]:
    """Return a sentence for each fault of what a YAML file holds; none when it can be used."""
    return list(_faults(raw))


def _faults(raw: object) -> Iterator[str]:
    if not isinstance(raw, dict) or not isinstance(raw.get("themes"), list):
        yield "a mapping with `version` and a list `themes` is needed"
        return
    yield from _unknown(raw, _FIELDS, "")
    if not isinstance(raw.get("version"), int) or isinstance(raw["version"], bool):
        yield "version: an integer is needed"
    seen: set[str] = set()
    for place, theme in enumerate(raw["themes"]):
        yield from _theme_faults(theme, f"themes[{place}]", seen)
    yield from _merger_faults([one for one in raw["themes"] if isinstance(one, dict)])
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
    if "merged_into" in theme:
        yield from _unknown(theme, _OF_MERGED, f"{at}.")
        return
    yield from _unknown(theme, _OF_THEME, f"{at}.")
    title = theme.get("title")
    if not isinstance(title, dict) or not isinstance(title.get("en"), str):
        yield f"{at}.title: at least a title in `en` is needed"
    elif not all(isinstance(text, str) for text in title.values()):
        yield f"{at}.title: a text by language is needed"
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
    seen: set[str] = set()
    for term in terms:
        if not isinstance(term, str) or not term.strip():
            yield f"{at}: {term!r} is not a term"
        elif any("*" in word[:-1] or len(word.rstrip("*")) < 3 for word in term.split() if "*" in word):
            yield f"{at}: {term!r}: a star ends a word of at least three letters"
        elif not all(map(_is_word, normalise(term).split())):
            yield f"{at}: {term!r} is never found: comments are read in words of letters and digits"
        elif normalise(term) in seen:
            yield f"{at}: {term!r} is there twice"
        else:
            seen.add(normalise(term))


def _is_word(word: str) -> bool:
    return [token.text for token in tokens(word.removesuffix("*"))] == [word.removesuffix("*")]


def _merger_faults(themes: Collection[Mapping[Any, Any]]) -> Iterator[str]:
    ids = {one["id"] for one in themes if isinstance(one.get("id"), str)}
    into = {one["id"]: one["merged_into"] for one in themes if "merged_into" in one and isinstance(one.get("id"), str)}
    for theme, goal in into.items():
        if not isinstance(goal, str) or goal not in ids:
            yield f"{theme}.merged_into: {goal!r} is not a theme of this file"
        elif _comes_back(theme, into):
            yield f"{theme}.merged_into: it leads back to where it began"


def _comes_back(theme: object, into: Mapping[object, object]) -> bool:
    seen: set[object] = set()
    while isinstance(theme, str) and theme in into:
        if theme in seen:
            return True
        seen.add(theme)
        theme = into[theme]
    return False


def _unknown(given: Mapping[Any, Any], known: Collection[str], at: str) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"{at}{name}: not known here; known are {', '.join(sorted(known))}"
