"""Which themes are new and which are rising, decided by a test over all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evaluation_engine.domain.comments.impact import LEAST_COMMENTS, themes_in
from evaluation_engine.domain.findings.significance import (
    FALSE_DISCOVERIES,
    Count,
    benjamini_hochberg,
    more_often,
    total,
)

Movement = Literal["new", "rising", "steady"]


@dataclass(frozen=True, slots=True)
class Trend:
    """A theme's share of comments in this window and in those before."""

    theme: str
    now: Count
    before: Count
    p: float
    q: float
    movement: Movement


def trends(now: Mapping[str, int], before: Sequence[Mapping[str, int]]) -> tuple[Trend, ...]:
    """Every theme with at least ten comments in both together, the surest rise first.

    `before` are earlier windows as long as this one, at least six, so that it is known how much a share varies by
    itself (comments come in waves); with fewer, nothing is new and nothing rises. Themes are chosen by
    the sum over both, which says nothing about the direction, so that choosing does not spoil the test.
    """
    names = sorted(set(themes_in(now)).union(*map(themes_in, before)))
    tested = []
    for theme in names:
        here, past = _count(now, theme), [_count(window, theme) for window in before]
        earlier = total(past)
        if here.k + earlier.k >= LEAST_COMMENTS:
            tested.append((theme, here, earlier, more_often(here, past)))
    adjusted = benjamini_hochberg([p for *_, p in tested])
    found = [
        Trend(theme, here, earlier, p, q, _movement(here.k, earlier.k, q))
        for (theme, here, earlier, p), q in zip(tested, adjusted, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (one.q, one.p, one.theme)))


def _count(window: Mapping[str, int], theme: str) -> Count:
    return Count(window.get(f"theme.{theme}.n", 0), window.get("comment.n", 0))


def _movement(now: int, before: int, q: float) -> Movement:
    if q > FALSE_DISCOVERIES or now < LEAST_COMMENTS:
        return "steady"
    return "rising" if before else "new"
