"""Word forms brought together: Snowball for English and Greek, light rules for Persian.

Snowball's Greek stemmer is Ntais 2006 as extended by Saroukos 2008, the English one Porter 2. For Persian
only endings that are safe by form are taken off (after Taghva, Beckley and Sadeh 2005, "A stemming
algorithm for the Farsi language"): plurals, comparatives and possessives, joined or after a zero-width
non-joiner. Verbs keep their mark (`می`, `نمی`): without it "does" is "slow". Measured against lemmas and
Snowball's Persian in docs/explanation/comments.md.
"""

# ruff: noqa: RUF001
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from snowballstemmer import stemmer  # type: ignore[import-untyped]

from evaluation_engine.domain.comments.text import ZWNJ

Reduce = Callable[[str, str], str]
"""(normalised word, language) to the key that all its forms share."""

_SNOWBALL: Final = {"en": "english", "el": "greek"}
_ENDING_WORDS: Final = "هایی هایم هایت هایش هایتان هایشان هایمان های ها ترین تر یم ید اند ام ات اش تان شان مان ای ی"
_AFTER_JOINER: Final = frozenset(_ENDING_WORDS.split())
_ENDINGS: Final = (
    ("هایشان", 3), ("هایمان", 3), ("هایتان", 3), ("هایی", 3), ("هایم", 3), ("هایت", 3), ("هایش", 3), ("های", 3),
    ("ها", 3), ("ترین", 3), ("شان", 4), ("تان", 4), ("مان", 4), ("تر", 4), ("ان", 5), ("ی", 3), ("م", 3),
    ("ش", 4), ("ت", 4),
)  # fmt: skip
"""Endings and how many letters must stay, longest first."""


@lru_cache(maxsize=65536)
def stem(word: str, language: str) -> str:
    """Return the stem of a normalised word; words of languages without rules are their own stem."""
    if language == "fa":
        return _persian(word)
    algorithm = _SNOWBALL.get(language)
    return str(stemmer(algorithm).stemWord(word)) if algorithm else word


def _persian(word: str) -> str:
    head, _, ending = word.rpartition(ZWNJ)
    joined = (head if head and ending in _AFTER_JOINER else word).replace(ZWNJ, "")
    for ending, least in _ENDINGS:
        if joined.endswith(ending) and len(joined) - len(ending) >= least:
            return joined.removesuffix(ending)
    return joined
