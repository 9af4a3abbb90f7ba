"""Whether what a share counts is a part of what it is divided by: only then is each of these a draw of yes or no."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

from evaluation_engine.domain.kpi_measures import PerStep, Proportion, Response, Share, Sum, Terms

_WHOLES = {"e.digital": ("e.completed",), "m.failed-changes.sum": ("m.changes.sum",)}
_ANSWERED = ("rating", "nps", "effort", "task", "q")


def is_part(measure: Share) -> bool:
    """Whether by the meaning of the measures each of what is divided by adds between nothing and one to the count.

    Answers and complaints of a period are no part of the journeys completed in it: they can be of others.
    """
    match measure:
        case Proportion():
            return _is_part(measure.numerator, measure.denominator)
        case PerStep():
            return _is_part(measure.overall.numerator, measure.overall.denominator)
        case Response():
            return False
        case _:
            return True


def _is_part(counted: Sum, of: Sum) -> bool:
    wholes = _factors(of)
    [each, *others] = set(wholes.values())
    if others or each <= 0:
        return False
    added: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    for name, factor in _factors(counted).items():
        whole = next((one for one in (name, *wholes_of(name)) if one in wholes), None)
        if whole is None:
            return False
        added[whole, "" if whole == name else name.rpartition(".")[0]].append(factor / each)
    return all(low >= 0 and high <= 1 for low, high in _spans(added))


def _spans(added: dict[tuple[str, str], list[Fraction]]) -> Iterator[tuple[Fraction, Fraction]]:
    """Least and most that one of each whole adds. It has at most one of the values of a question, or none."""
    nothing = Fraction(0)
    for whole in {whole for whole, _ in added}:
        own = sum(added.get((whole, ""), ()), nothing)
        asked = [factors for (one, group), factors in added.items() if one == whole and group]
        low, high = (sum((end(nothing, *factors) for factors in asked), own) for end in (min, max))
        yield low, high


def wholes_of(name: str) -> tuple[str, ...]:
    """The measures that a measure is a part of; an answer to a question is one of the answers."""
    beginning, _, end = name.rpartition(".")
    first = name.partition(".")[0]
    if end == "ticked":
        return (f"{beginning}.offered",)
    if first == "theme" and beginning.endswith(".rating"):
        return (f"{beginning.removesuffix('.rating')}.n", f"comment.rating.{end}", "comment.n")
    if first in ("theme", "comment"):
        return ("comment.n",)
    if first in _ANSWERED and end != "offered":
        return ("answers",)
    return _WHOLES.get(name, ())


def _factors(of: Sum) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    signed = [(Fraction(1), name) for name in of.plus] if isinstance(of, Terms) else list(of.parts)
    signed += [(Fraction(-1), name) for name in of.minus] if isinstance(of, Terms) else []
    for factor, name in signed:
        found[name] += factor
    return found
