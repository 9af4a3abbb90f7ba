"""Examples in people's own words, for the inside; in public only what a person released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.impact import LEAST_COMMENTS

SHORTEST: Final = 20
LONGEST: Final = 280
MOST_ALIKE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored comment: masked text, the key of its answer, its record, the rating that came with it."""

    key: str
    text: str
    record: CommentRecord
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A masked comment as an example; `key` is that of its answer. Not for publication by itself."""

    key: str
    text: str
    language: str


def with_theme(candidates: Sequence[Candidate], theme: str) -> list[Candidate]:
    """Return the comments that have a theme."""
    return [one for one in candidates if theme in one.record.themes]


def releasable(candidates: Sequence[Candidate], theme: str, key: str) -> Quote | None:
    """Return a comment as a quote that may be released for a theme; None below ten comments, or if it lacks it."""
    having = with_theme(candidates, theme)
    found = next((one for one in having if one.key == key), None)
    if found is None or len(having) < LEAST_COMMENTS:
        return None
    return Quote(found.key, found.text, found.record.language)


def representative(candidates: Sequence[Candidate], having: Sequence[Candidate], most: int = 3) -> tuple[Quote, ...]:
    """The most central of the comments that have something, unlike each other; none below ten comments.

    Central: the phrases it shares with the others that have it, rare ones counting more (idf among all candidates,
    Sparck Jones 1972), per square root of its length. Unlike: Jaccard similarity below one half to those chosen
    (maximal marginal relevance in its simplest form, Carbonell and Goldstein 1998).
    """
    if len(having) < LEAST_COMMENTS:
        return ()
    shared = Counter(phrase for one in having for phrase in one.record.phrases)
    everywhere = Counter(phrase for one in candidates for phrase in one.record.phrases)
    weight = {
        phrase: (n - 1) / len(having) * log(1 + len(candidates) / everywhere[phrase]) for phrase, n in shared.items()
    }
    usable = [one for one in having if SHORTEST <= len(one.text) <= LONGEST and one.record.phrases]
    ranked = sorted(
        usable,
        key=lambda one: (-sum(map(weight.__getitem__, one.record.phrases)) / len(one.record.phrases) ** 0.5, one.key),
    )
    chosen: list[Candidate] = []
    for one in ranked:
        if len(chosen) < most and all(_alike(one, other) < MOST_ALIKE for other in chosen):
            chosen.append(one)
    return tuple(Quote(one.key, one.text, one.record.language) for one in chosen)


def _alike(one: Candidate, other: Candidate) -> float:
    a, b = set(one.record.phrases), set(other.record.phrases)
    return len(a & b) / len(a | b)
