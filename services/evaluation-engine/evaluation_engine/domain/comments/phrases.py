"""Phrases that the taxonomy does not know, found by contrast: this window with earlier ones, low scores with high.

Weighted log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words",
Political Analysis 16:372, equations 15, 16, 19, 22). A comment counts once however often it says a
phrase: one voice, one vote. The z score ranks; Fisher's exact test with Benjamini-Hochberg admits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import log, sqrt
from typing import Final

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.impact import LEAST_COMMENTS
from evaluation_engine.domain.findings.significance import FALSE_DISCOVERIES, Count, benjamini_hochberg, fisher

PRIOR_COMMENTS: Final = 100.0
_SAME_COMMENTS: Final = 0.7
_COVERED: Final = 0.8


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that stands out in one set of comments against another of the same language.

    `id` depends on language and stems alone and `name` is kept once given, so both stay between evaluations.
    `theme` is the theme that holds at least 80 % of its comments: then it is a detail of it, not something new.
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


def standing_out(
    records: Sequence[CommentRecord], others: Sequence[CommentRecord], names: Mapping[str, str]
) -> tuple[Phrase, ...]:
    """Phrases of at least ten comments that are commoner in `records` than in `others`, by language, highest z first.

    `names` are names given before, by id. Both may hold any languages; each is compared with its own.
    """
    found: list[Phrase] = []
    for language in sorted({record.language for record in records}):
        here = [record for record in records if record.language == language]
        there = [record for record in others if record.language == language]
        if len(here) >= LEAST_COMMENTS and there:
            found += _of_language(language, here, there, names)
    return tuple(sorted(found, key=lambda one: (-one.z, one.id)))


def _of_language(
    language: str, here: Sequence[CommentRecord], there: Sequence[CommentRecord], names: Mapping[str, str]
) -> list[Phrase]:
    one, other = _counts(here), _counts(there)
    keys = sorted(key for key in one if one[key] + other[key] >= LEAST_COMMENTS)
    adjusted = benjamini_hochberg([fisher(Count(one[key], len(here)), Count(other[key], len(there))) for key in keys])
    admitted = []
    for key, q in zip(keys, adjusted, strict=True):
        if q <= FALSE_DISCOVERIES and one[key] >= LEAST_COMMENTS:
            ratio, z = log_odds(one[key], len(here), other[key], len(there))
            admitted.append((z, key, ratio, q))
    kept: list[Phrase] = []
    for z, key, ratio, q in sorted(admitted, key=lambda entry: (-entry[0], -len(entry[1]), entry[1])):
        if any(_same(key, one[key], earlier.key, earlier.n) for earlier in kept):
            continue
        name = phrase_id(language, key)
        having = [record for record in here if key in record.phrases]
        shown = names.get(name) or _commonest(record.phrases[key] for record in having)
        kept.append(
            Phrase(name, shown, language, key, one[key], len(here), other[key], len(there), ratio, z, q, _theme(having))
        )
    return kept


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
