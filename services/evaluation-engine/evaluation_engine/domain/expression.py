"""Sums of measures as people write them: `j.completed - j.ineligible`, `0.5 * rating.4 + rating.5`.

An expression is a sum of measures, each with an optional number before it. Signs stand between spaces, because names
may have hyphens. `m.<name>` is the total of a measurement in its own unit. Nothing is ever executed.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from fractions import Fraction

from evaluation_engine.domain.kpi import Need
from evaluation_engine.domain.kpi_measures import Linear

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_SIGNS = {"+": 1, "-": -1, "−": -1}
_ID, _CHOICE = r"[a-z][a-z0-9-]{1,62}", r"[a-z0-9][a-z0-9-]{0,62}"
_QUESTION = re.compile(rf"q\.({_ID})\.({_CHOICE})(\.(offered|ticked))?")
_STEP = re.compile(r"step\.([A-Za-z0-9_-]{1,100})\.(reached|abandoned|errors)")
_THEME = re.compile(r"theme\.([a-z][a-z0-9-]{1,40})\.(n|rating\.[1-5])")
_MEASUREMENT = re.compile(rf"m\.({_ID})")
_MOST_PARTS = 60

_JOURNEYS = (
    "started outcome completed ineligible fulfilled abandoned refused withdrawn first_time fault "
    "errored helped helped_again assisted switched"
)
FIXED: frozenset[str] = frozenset(
    [
        "answers",
        "complaints",
        *(f"rating.{k}" for k in range(1, 6)),
        *(f"nps.{k}" for k in range(11)),
        *(f"effort.{k}" for k in range(1, 8)),
        "comment.n",
        *(f"comment.rating.{k}" for k in range(1, 6)),
        *(f"task.{said}" for said in ("yes", "partly", "no")),
        *(f"j.{what}" for what in _JOURNEYS.split()),
        *(f"e.{what}" for what in ("completed", "digital", "fulfilled")),
    ]
)
"""Measures that every service has."""


class ExpressionError(ValueError):
    """An expression that can't be used, with the reason."""


def parse(text: str) -> Linear:
    """Return the sum that a text says. Raises ``ExpressionError``."""
    tokens = text.split()
    parts: list[tuple[Fraction, str]] = []
    place = 0
    while place < len(tokens):
        sign = 1
        if tokens[place] in _SIGNS:
            sign, place = _SIGNS[tokens[place]], place + 1
        elif parts:
            raise ExpressionError(f"put + or - before {tokens[place]}, between spaces")
        factor, place = _factor(tokens, place)
        if place >= len(tokens):
            raise ExpressionError("ends with no measure")
        parts.append(_part(sign * factor, tokens[place]))
        place += 1
    if not parts:
        raise ExpressionError("is empty")
    if len(parts) > _MOST_PARTS:
        raise ExpressionError(f"has more than {_MOST_PARTS} parts")
    return Linear(tuple(parts))


def _factor(tokens: list[str], place: int) -> tuple[Fraction, int]:
    number = tokens[place] if place < len(tokens) else ""
    if not _NUMBER.fullmatch(number):
        return Fraction(1), place
    if tokens[place + 1 : place + 2] != ["*"]:
        raise ExpressionError(f"{number} stands alone: a number goes before a measure, as in {number} * answers")
    return Fraction(number), place + 2


def _part(factor: Fraction, name: str) -> tuple[Fraction, str]:
    fault = fault_of(name)
    if fault is not None:
        raise ExpressionError(fault)
    return (factor / 1000, f"{name}.sum") if name.startswith("m.") else (factor, name)


def fault_of(name: str) -> str | None:
    """Say why a name is no measure, or nothing."""
    if name in FIXED or any(form.fullmatch(name) for form in (_QUESTION, _STEP, _THEME, _MEASUREMENT)):
        return None
    if "-" in name[1:] or "+" in name[1:] or "*" in name:
        return f"{name} is not a measure; signs stand between spaces"
    near = get_close_matches(name, FIXED, n=1)
    return f"{name} is not a measure" + (f"; did you mean {near[0]}?" if near else "")


def question_in(name: str) -> tuple[str, str] | None:
    """The question that a measure counts, and which of its values."""
    found = _QUESTION.fullmatch(name)
    return (found[1], found[2]) if found else None


def step_in(name: str) -> str | None:
    """The step that a measure counts."""
    found = _STEP.fullmatch(name)
    return found[1] if found else None


def theme_in(name: str) -> str | None:
    """The theme of comments that a measure counts."""
    found = _THEME.fullmatch(name)
    return found[1] if found else None


def need_of(name: str) -> Need:
    """What has to be sent so that a measure is known; ``name`` as it is in the aggregates."""
    head, _, rest = name.partition(".")
    if head in ("comment", "theme"):
        return Need("comment", "feedback", "feedback.comment", ("comment.n",))
    if head == "q":
        question = rest.partition(".")[0]
        return Need(f"q.{question}", "feedback", f"feedback.answers.{question}", (f"q.{question}.",))
    if head == "m":
        measurement = rest.partition(".")[0]
        return Need(f"m.{measurement}", "measurements", f"measurement named {measurement}", (f"m.{measurement}.",))
    return _FIXED_NEEDS[head if head in _FIXED_NEEDS else f"{head}.{rest}"]


def _journeys(name: str, event: str, *measures: str) -> Need:
    return Need(name, "journeys", f"journey event {event}", measures)


_OF_STARTS = ("started", "fault", "abandoned", "refused", "withdrawn", "ineligible", "errored", "assisted", "switched")

_FIXED_NEEDS: dict[str, Need] = {
    "answers": Need("answers", "feedback", "feedback of any kind", ("answers",)),
    "complaints": Need("complaints", "feedback", "feedback with kind complaint", ("complaints",)),
    "rating": Need("rating", "feedback", "feedback.rating (1 to 5)", ("rating.",)),
    "nps": Need("nps", "feedback", "feedback.nps (0 to 10)", ("nps.",)),
    "effort": Need("effort", "feedback", "feedback.effort (1 to 7)", ("effort.",)),
    "task": Need("task", "feedback", "feedback.task_done (yes, partly, no)", ("task.",)),
    "step": _journeys("step", "step with its step", "step."),
    "e.completed": _journeys("completed", "completed, fulfilled or ineligible", "e.completed"),
    "e.digital": _journeys("completed", "completed, fulfilled or ineligible", "e.completed"),
    "e.fulfilled": _journeys("fulfilled", "fulfilled", "e.fulfilled", "j.fulfilled"),
    "j.outcome": _journeys("outcome", "fulfilled, refused, ineligible, withdrawn or abandoned", "j.outcome"),
    "j.completed": _journeys("completed", "completed, fulfilled or ineligible", "e.completed"),
    "j.fulfilled": _journeys("fulfilled", "fulfilled", "e.fulfilled", "j.fulfilled"),
    "j.first_time": _journeys("fulfilled", "fulfilled", "e.fulfilled", "j.fulfilled"),
    "j.helped": _journeys("helped", "help_sought", "j.helped"),
    "j.helped_again": _journeys("helped", "help_sought", "j.helped"),
    **{f"j.{what}": _journeys("started", "started", "j.started") for what in _OF_STARTS},
}
