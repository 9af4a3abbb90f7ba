"""The themes of one period as they are stored and shown: how common, what they cost, whether they are new or rising."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from civiloop_shared.contracts.evaluations import Interval, ThemeResult
from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.comments.book import Titles
from evaluation_engine.domain.comments.impact import LEAST_COMMENTS, SCORES, Impact, impacts, themes_in
from evaluation_engine.domain.comments.trend import Trend, trends
from evaluation_engine.domain.intervals import LEVEL


def summarise(
    now: Measures, before: Sequence[Measures], by_language: Mapping[str, Measures], titles: Titles
) -> tuple[ThemeResult, ...]:
    """Return every theme of at least ten comments: the costliest first, those that no cost can be given for last.

    `by_language` are the same measures by the language that people used the service in.
    """
    costs = {one.theme: one for one in impacts(now)}
    moves = {one.theme: one for one in trends(now, before)}
    found = [
        _result(theme, now, costs.get(theme), moves.get(theme), by_language, titles)
        for theme in themes_in(now)
        if now[f"theme.{theme}.n"] >= LEAST_COMMENTS
    ]
    return tuple(sorted(found, key=lambda one: (one.impact is None, -(one.impact or 0.0), -one.n, one.theme)))


def _result(
    theme: str,
    now: Measures,
    cost: Impact | None,
    move: Trend | None,
    by_language: Mapping[str, Measures],
    titles: Titles,
) -> ThemeResult:
    n = now[f"theme.{theme}.n"]
    spoken = {language: measures.get(f"theme.{theme}.n", 0) for language, measures in by_language.items()}
    return ThemeResult(
        theme=theme,
        title=dict(titles.get(theme) or {"en": theme}),
        n=n,
        share=n / now["comment.n"],
        rated=sum(now.get(f"theme.{theme}.rating.{score}", 0) for score in SCORES),
        mean=cost and cost.mean,
        overall_mean=cost and cost.overall,
        impact=cost and cost.impact,
        interval=cost and Interval(low=cost.low, high=cost.high, level=LEVEL, method="delta"),
        p_value=cost and cost.p,
        q_value=cost and cost.q,
        state=move.movement if move else "steady",
        share_before=move.before.share if move and move.before.n else None,
        trend_p_value=move and move.p,
        trend_q_value=move and move.q,
        languages={language: amount for language, amount in sorted(spoken.items()) if amount},
    )
