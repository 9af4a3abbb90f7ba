"""A judgement in plain sentences, with the numbers, for someone who has never seen a formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import RedesignVerdict
from evaluation_engine.domain.redesign.clause import Clause
from evaluation_engine.domain.redesign.kleene import Truth
from evaluation_engine.domain.result import display
from evaluation_engine.domain.target import between

Titles = Mapping[str, str]

HEADS = {
    RedesignVerdict.KEEP: "Keep the service as it is: no redesign limit is broken and every goal is reached.",
    RedesignVerdict.IMPROVE: "Improve the service: no redesign limit holds against it, but a goal is missed.",
    RedesignVerdict.REDESIGN: "Redesign the service.",
    RedesignVerdict.REIMPLEMENT: "Build the service anew.",
    RedesignVerdict.NOT_ENOUGH: "Not enough evidence to say.",
}
_LEVELS = {"redesign": "redesign", "reimplement": "re-implementation"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What has to be explained; `combinations` says for each level how many criteria are needed, in words."""

    verdict: RedesignVerdict
    redesign: Truth
    reimplement: Truth
    clauses: tuple[Clause, ...]
    combinations: Mapping[str, str]
    draft: bool


def explain(judged: Judged, titles: Titles) -> str:
    """The verdict, what made it, and what would be needed to know more."""
    parts = [HEADS[judged.verdict]]
    if judged.draft:
        parts.append("This benchmark is a draft: nobody has approved it.")
    for level, truth in (("reimplement", judged.reimplement), ("redesign", judged.redesign)):
        clauses = [clause for clause in judged.clauses if clause.level == level]
        if clauses:
            parts.append(_level(level, truth, clauses, judged.combinations[level]))
    telling = [clause for clause in judged.clauses if clause.truth is not False]
    parts.extend(clause_sentence(clause, titles) for clause in telling)
    return " ".join(parts)


def _level(level: str, truth: Truth, clauses: list[Clause], combination: str) -> str:
    broken = sum(clause.truth is True for clause in clauses)
    unknown = sum(clause.truth is None for clause in clauses)
    held = {True: "is required", False: "is not required", None: "can't be decided yet"}[truth]
    open_ = f", {unknown} unknown" if unknown else ""
    words = _LEVELS[level]
    critical = any(clause.truth is True and clause.critical for clause in clauses)
    why = "a critical one, which decides" if critical else combination
    return f"{words.capitalize()} {held}: {broken} of {len(clauses)} criteria broken{open_} ({why})."


def clause_sentence(clause: Clause, titles: Titles) -> str:
    """What one criterion shows: the number, the limit, and by how much it was missed."""
    title = titles.get(clause.kpi, clause.kpi)
    result = clause.result
    if result is None:
        return f"{title} was not evaluated."
    if clause.observed is None or clause.truth is None:
        why = result.reason or f"{result.n} cases are fewer than this criterion needs"
        return f"{title} is not known well enough: {why}.{_memory(clause)}"
    shown = clause.observed if result.value is None else result.value
    number = display(shown, clause.threshold)
    sure = f" ({between(result)}n = {result.n})"
    bound = "" if shown == clause.observed else f"its bound of {display(clause.observed, clause.threshold)} decides: "
    return f"{title} is {number} {result.unit}{sure}, {bound}{_compared(clause)}.{_memory(clause)}"


def _compared(clause: Clause) -> str:
    """Where the observed number lies, by how much; said of the number itself, whatever the state remembers."""
    observed = clause.observed if clause.observed is not None else clause.threshold
    distance = abs(observed - clause.threshold)
    unit = clause.result.unit if clause.result else ""
    unit = "points" if unit == "%" else unit
    limit = "the goal" if clause.level == "goal" else f"the {_LEVELS[clause.level]} limit"
    place = f"{limit} of {clause.threshold:g}"
    if distance == 0:
        return f"exactly at {place}"
    side = "below" if observed < clause.threshold else "above"
    return f"{display(distance, 0.0)} {unit} {side} {place}"


def _memory(clause: Clause) -> str:
    """What only the history explains."""
    if clause.state == "pending":
        return " The limit is broken, but not yet often enough in a row to count."
    if clause.state == "firing_stale":
        return " The limit was broken before and nothing newer shows otherwise."
    observed = clause.observed
    good = observed is not None and (
        observed >= clause.threshold if clause.side == "below" else observed <= clause.threshold
    )
    if clause.state == "firing" and good:
        return f" The limit was broken before and counts until {clause.clear:g} is reached and held."
    return ""
