"""Phrases that the taxonomy does not know, found by contrast: this window with earlier ones, low scores with high.

Weighted log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words",
Political Analysis 16:372, equations 15, 16, 19, 22). A comment counts once however often it says a
phrase: one voice, one vote. The z score ranks; Fisher's exact test with Benjamini-Hochberg admits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import log, sqrt
from typing import Final, NamedTuple

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.impact import LEAST_COMMENTS
from evaluation_engine.domain.findings.significance import FALSE_DISCOVERIES, Count, benjamini_hochberg, fisher

PRIOR_COMMENTS: Final = 100.0
_SAME_COMMENTS: Final = 0.7
_COVERED: Final = 0.8


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that stands out in one set of comments against another of the same language.

    `id` depends on language and stems alone. `name` is how it is mostly written here; where one was given before,
    that stands in its place. `theme` is the theme that holds at least 80 % of its comments: then it is a detail of it,
    not something new.
    """

    id: str
    name: str
    language: str
    key: str
    n: int
    of: int
    other_n: int
    other_of: int
    log_odds: float
    z: float
    q: float
    theme: str | None


def phrase_id(language: str, key: str) -> str:
    """Return the stable id of a phrase."""
    return f"phrase.{language}.{blake2b(key.encode(), digest_size=6).hexdigest()}"


def log_odds(n: int, of: int, other_n: int, other_of: int) -> tuple[float, float]:
    """Log-odds ratio and its z score, with a prior of a hundred comments shared as in both sets together."""
    prior = PRIOR_COMMENTS * (n + other_n) / (of + other_of)
    one, other = n + prior, other_n + prior
    ratio = log(one / (of + PRIOR_COMMENTS - one)) - log(other / (other_of + PRIOR_COMMENTS - other))
    return ratio, ratio / sqrt(1 / one + 1 / other)


class _Side(NamedTuple):
    """The comments of one language in both sets, and how many of each have a phrase."""

    language: str
    here: Sequence[CommentRecord]
    there: Sequence[CommentRecord]
    one: Counter[str]
    other: Counter[str]


def standing_out(records: Sequence[CommentRecord], others: Sequence[CommentRecord]) -> tuple[Phrase, ...]:
    """Phrases of at least ten comments that are commoner in `records` than in `others`, highest z first.

    Both may hold any languages: each is compared with its own, and the false discovery rate holds over all of them.
    """
    sides = list(_sides(records, others))
    tested = [
        (side, key) for side in sides for key in sorted(side.one) if side.one[key] + side.other[key] >= LEAST_COMMENTS
    ]
    adjusted = benjamini_hochberg([_p(side, key) for side, key in tested])
    admitted: dict[str, list[tuple[str, float]]] = {}
    for (side, key), q in zip(tested, adjusted, strict=True):
        if q <= FALSE_DISCOVERIES and side.one[key] >= LEAST_COMMENTS:
            admitted.setdefault(side.language, []).append((key, q))
    found = [phrase for side in sides for phrase in _told_once(side, admitted.get(side.language, []))]
    return tuple(sorted(found, key=lambda one: (-one.z, one.id)))


def _sides(records: Sequence[CommentRecord], others: Sequence[CommentRecord]) -> Iterable[_Side]:
    for language in sorted({record.language for record in records}):
        here = [record for record in records if record.language == language]
        there = [record for record in others if record.language == language]
        if len(here) >= LEAST_COMMENTS and there:
            yield _Side(language, here, there, _counts(here), _counts(there))


def _p(side: _Side, key: str) -> float:
    return fisher(Count(side.one[key], len(side.here)), Count(side.other[key], len(side.there)))


def _told_once(side: _Side, admitted: Sequence[tuple[str, float]]) -> list[Phrase]:
    """Return the phrases of a language, of those that say the same the one that stands out most."""
    kept: list[Phrase] = []
    for one in sorted((_phrase(side, key, q) for key, q in admitted), key=lambda one: (-one.z, -len(one.key), one.key)):
        if not any(_same(one.key, one.n, earlier.key, earlier.n) for earlier in kept):
            kept.append(one)
    return kept


def _phrase(side: _Side, key: str, q: float) -> Phrase:
    n, of, other_n, other_of = side.one[key], len(side.here), side.other[key], len(side.there)
    ratio, z = log_odds(n, of, other_n, other_of)
    having = [record for record in side.here if key in record.phrases]
    name = _commonest(record.phrases[key] for record in having)
    made = phrase_id(side.language, key)
    return Phrase(made, name, side.language, key, n, of, other_n, other_of, ratio, z, q, _theme(having))


def _counts(records: Iterable[CommentRecord]) -> Counter[str]:
    return Counter(key for record in records for key in record.phrases)


def _same(key: str, n: int, kept: str, kept_n: int) -> bool:
    """True when one phrase is inside the other and they mostly come together."""
    inside = f" {key} " in f" {kept} " or f" {kept} " in f" {key} "
    return inside and min(n, kept_n) >= _SAME_COMMENTS * max(n, kept_n)


def _commonest(values: Iterable[str]) -> str:
    return min(Counter(values).items(), key=lambda entry: (-entry[1], entry[0]))[0]


def _theme(records: Sequence[CommentRecord]) -> str | None:
    themes = Counter(theme for record in records for theme in record.themes)
    if not themes:
        return None
    theme, n = min(themes.items(), key=lambda entry: (-entry[1], entry[0]))
    return theme if n >= _COVERED * len(records) else None
