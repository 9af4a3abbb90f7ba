"""Results in plain words, in the language of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import (
    ClauseResult,
    KpiResult,
    KpiSummary,
    PublishedBenchmark,
    PublishedTarget,
    RedesignVerdict,
    ResultState,
    Verdict,
)
from reporting.domain.rounding import decimals_beside
from reporting.pages.wording import Wording

_UNITS = {"%": "{value} of 100", "points": "{value} points"}
"""Shares are 0 to 100; the net promoter score is points from −100 to 100."""
_PLAIN = frozenset({"", "1", "score"})
_DURATIONS = ((2.0, 1.0, "{value} days"), (1 / 12, 1 / 24, "{value} hours"), (0.0, 1 / 1440, "{value} minutes"))
"""From how many days on, size in days, text."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)

_STATES = {
    ResultState.NO_DATA: "Nobody is counted in this period.",
    ResultState.TOO_FEW: "Too few to say: {n} so far, at least {minimum} are needed.",
    ResultState.NOT_MEASURED: "Not measured: the events that it needs do not arrive.",
    ResultState.NOT_REACHED: "Not reached: too few got there in the time observed.",
    ResultState.STALE: "The source has stopped reporting.",
    ResultState.REFUSED: "Refused: the numbers contradict each other.",
    ResultState.SUPPRESSED: "Not shown, so that nobody can be recognised.",
}

_VERDICTS = {
    Verdict.MET: "Target met",
    Verdict.MISSED: "Target missed",
    Verdict.TOO_CLOSE: "Too close to call",
    Verdict.NOT_ENOUGH: "Not enough data",
    Verdict.NOT_MEASURED: "Not measured",
}

_NO_VERDICT = ("Not judged in public", "It rests on numbers that are not shown, so that nobody can be recognised.")

_REDESIGN = {
    RedesignVerdict.KEEP: ("Keep the service as it is", "No criterion of the benchmark asks for a change."),
    RedesignVerdict.IMPROVE: ("Improve the service", "Some goals are not reached; a redesign is not required."),
    RedesignVerdict.REDESIGN: ("Redesign the service", "The benchmark's threshold for a redesign is passed."),
    RedesignVerdict.REIMPLEMENT: ("Build the service anew", "The benchmark's threshold for building anew is passed."),
    RedesignVerdict.NOT_ENOUGH: ("Not enough evidence", "Too little is known to decide either way."),
}

_CLAUSE_STATES = {
    "ok": "not crossed",
    "reached": "reached",
    "pending": "crossed, watched",
    "firing": "crossed",
    "firing_stale": "crossed",
    "missed": "missed",
    "insufficient": "too few to say",
    "no_data": "no data",
    "hidden": "not shown",
}

_DIMENSIONS = {"channel": "Channel", "step": "Step", "language": "Language", "assisted": "With assistance"}

_LEVELS = {"goal": "Goal", "redesign": "Limit for a redesign", "reimplement": "Limit for building anew"}


@dataclass(frozen=True, slots=True)
class Measure:
    """How a KPI's values are written: the unit, and the value that decides in which size of it."""

    unit: str
    size_of: float = 0.0

    def text(self) -> tuple[str, float]:
        """Return the text around a number, and what the number is divided by; "" where there is none."""
        if self.unit == "days":
            _, size, text = next(step for step in _DURATIONS if abs(self.size_of) >= step[0])
            return text, size
        return _UNITS.get(self.unit, ""), 1.0


def amount(value: float, unit: str, words: Wording, *, beside: float | None = None, like: float | None = None) -> str:
    """Return a value with its unit: shares as "of 100", durations in the size that reads best.

    ``beside`` is the threshold that the value is shown with: it gets as many decimals as it needs to stay on its side.
    ``like`` is the value whose size of the unit is taken; itself by default.
    """
    text, size = Measure(unit, value if like is None else like).text()
    decimals = decimals_beside(value / size, None if beside is None else beside / size)
    if text:
        return words(text, value=words.number(value / size, decimals))
    if _CURRENCY.fullmatch(unit):
        return words.money(value, unit, max(2, decimals))
    if unit in _PLAIN:
        return words.number(value, decimals)
    return f"{words.number(value, max(2, decimals))} {unit}"


def span(result: KpiResult, words: Wording, beside: float | None = None) -> tuple[str, str] | None:
    """Return the bounds of the interval, the unit once, at the second; None without both."""
    interval, like = result.interval, result.value
    if interval is None or interval.low is None or interval.high is None:
        return None
    text, size = Measure(result.unit, interval.high if like is None else like).text()
    high = amount(interval.high, result.unit, words, beside=beside, like=like)
    if not text:
        return amount(interval.low, result.unit, words, beside=beside, like=like), high
    low = interval.low / size
    return words.number(low, decimals_beside(low, None if beside is None else beside / size)), high


def result_sentence(
    result: KpiResult, words: Wording, beside: float | None = None, *, definition: KpiSummary | None = None
) -> str:
    """Say a result in one sentence: value, interval, sample; or why there is none.

    A gap between groups is published without its sample.
    """
    if result.state is not ResultState.OK or result.value is None:
        return words(
            _STATES.get(result.state, _STATES[ResultState.NO_DATA]),
            n=words.number(result.n, 0),
            minimum=words.number(result.minimum_to_show, 0),
        )
    value = amount(result.value, result.unit, words, beside=beside)
    if not result.n:
        return value
    counted = cases(result.n, definition, words)
    bounds = span(result, words, beside)
    if bounds is None or result.interval is None:
        return words("{value}, from {cases}.", value=value, cases=counted)
    return words(
        "{value}, from {cases}: between {low} and {high}, {level} % sure.",
        value=value,
        cases=counted,
        low=bounds[0],
        high=bounds[1],
        level=words.number(result.interval.level * 100),
    ).replace(" %", "\u00a0%")


def cases(n: int, definition: KpiSummary | None, words: Wording) -> str:
    """Say how many were counted: answers where people were asked, else cases."""
    asked = definition is not None and definition.family == "customer_satisfaction"
    return words("{n} answers" if asked else "{n} cases", n=words.number(n, 0))


def target_sentence(target: PublishedTarget, words: Wording) -> str:
    """Say what the target asks for."""
    threshold = amount(target.threshold, target.result.unit, words)
    if target.comparison == "at_least":
        return words("Target: at least {threshold}.", threshold=threshold)
    return words("Target: at most {threshold}.", threshold=threshold)


def verdict_of(target: PublishedTarget, words: Wording) -> str:
    """Name the verdict of a target; one on a hidden number has none."""
    return words(_VERDICTS[target.verdict] if target.verdict else _NO_VERDICT[0])


def benchmark_name(benchmark: PublishedBenchmark) -> str:
    """Return a benchmark's id in words."""
    return benchmark.benchmark.replace("-", " ")


def redesign_heading(benchmark: PublishedBenchmark, words: Wording) -> str:
    """Name the verdict of a benchmark."""
    return words(_redesign(benchmark)[0])


def redesign_sentence(benchmark: PublishedBenchmark, words: Wording) -> str:
    """Explain the verdict of a benchmark; a draft says that it is one."""
    sentence = words(_redesign(benchmark)[1])
    return (
        f"{sentence} {words('This benchmark is a draft that nobody has approved yet.')}"
        if benchmark.draft
        else sentence
    )


def _redesign(benchmark: PublishedBenchmark) -> tuple[str, str]:
    return _REDESIGN[benchmark.verdict] if benchmark.verdict else _NO_VERDICT


def clause_state(clause: ClauseResult, words: Wording) -> str:
    """Name the state of a criterion."""
    return words(_CLAUSE_STATES.get(clause.state, "too few to say"))


def clause_level(clause: ClauseResult, words: Wording) -> str:
    """Say what a criterion's threshold is: a goal, or a limit."""
    return words(_LEVELS[clause.level])


def cut_name(cut: str, words: Wording) -> str:
    """Name the value of a single cut, for example a channel."""
    return words(cut.partition("=")[2])


def part_name(cut: str, words: Wording) -> str:
    """Name a part of a service: dimension and value."""
    dimension, _, value = cut.partition("=")
    known = _DIMENSIONS.get(dimension)
    name = words(known) if known else dimension.removeprefix("segment.").capitalize()
    return f"{name}: {words(value) if dimension in {'channel', 'assisted'} else value}"


def title_of(kpi: str, definition: KpiSummary | None, words: Wording) -> str:
    """Name a KPI: its own title, else its id in words."""
    if definition is not None and definition.title:
        return words.title_of(definition.title)
    return kpi.replace("-", " ").capitalize()
