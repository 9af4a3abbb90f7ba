"""The themes a body looks for, as data: an editable taxonomy in several languages.

An id is never used again. A theme that goes into another one stays in the list with `merged_into` in place of its
terms, so that what was counted under its id is still counted: under the other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import yaml

from evaluation_engine.domain.comments.taxonomy_faults import faults_of
from evaluation_engine.domain.comments.text import normalise


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
    """Themes and stop words; `digest` changes when anything does that changes what a comment is about.

    `successors` are the ids that are no longer in use, and the theme in use that each went into.
    """

    version: int
    themes: tuple[Theme, ...]
    stop_words: Mapping[str, frozenset[str]]
    successors: Mapping[str, str]
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
    faults = faults_of(raw)
    if faults:
        raise TaxonomyError(faults)
    themes = tuple(
        Theme(
            one["id"],
            dict(one["title"]),
            {tag: tuple(tuple(normalise(term).split()) for term in terms) for tag, terms in one["terms"].items()},
        )
        for one in raw["themes"]
        if "merged_into" not in one
    )
    merged = {one["id"]: one["merged_into"] for one in raw["themes"] if "merged_into" in one}
    successors = {theme: _last(theme, merged) for theme in merged}
    stop_words = {tag: frozenset(normalise(words).split()) for tag, words in (raw.get("stop_words") or {}).items()}
    return Taxonomy(raw["version"], themes, stop_words, successors, _digest(themes, stop_words))


def _last(theme: str, merged: Mapping[str, str]) -> str:
    while theme in merged:
        theme = merged[theme]
    return theme


def _digest(themes: tuple[Theme, ...], stop_words: Mapping[str, frozenset[str]]) -> str:
    matter = [(one.id, sorted((tag, sorted(terms)) for tag, terms in one.terms.items())) for one in themes]
    words = sorted((tag, sorted(found)) for tag, found in stop_words.items())
    return blake2b(repr((sorted(matter), words)).encode(), digest_size=6).hexdigest()
