"""Results in plain words, in the language of the page."""

from __future__ import annotations

from civiloop_shared.contracts.evaluations import (
    BenchmarkResult,
    ClauseResult,
    KpiResult,
    KpiSummary,
    RedesignVerdict,
    ResultState,
    TargetResult,
    Verdict,
)
from reporting.domain.disclosure import MINIMUM_CELL
from reporting.domain.rounding import decimals_beside
from reporting.pages.wording import Wording

_DURATIONS = (
    (2 * 86_400_000, 86_400_000, "{value} days"),
    (2 * 3_600_000, 3_600_000, "{value} hours"),
    (0, 60_000, "{value} minutes"),
)

_STATES = {
    ResultState.NO_DATA: "Nobody is counted in this period.",
    ResultState.TOO_FEW: "Too few to say: {n}, at least {minimum} are needed.",
    ResultState.NOT_MEASURED: "Not measured: the events that it needs do not arrive.",
    ResultState.NOT_REACHED: "Not reached: too few got there in the time observed.",
    ResultState.STALE: "The source has stopped reporting.",
    ResultState.REFUSED: "Refused: the numbers contradict each other.",
    ResultState.SUPPRESSED: "Fewer than {cell} people, or all of them alike: not shown.",
}

_VERDICTS = {
    Verdict.MET: "Target met",
    Verdict.MISSED: "Target missed",
    Verdict.TOO_CLOSE: "Too close to call",
    Verdict.NOT_ENOUGH: "Not enough data",
    Verdict.NOT_MEASURED: "Not measured",
}

_REDESIGN = {
    RedesignVerdict.KEEP: ("Keep the service as it is", "No criterion of the benchmark asks for a change."),
    RedesignVerdict.IMPROVE: ("Improve the service", "Some goals are not reached; a redesign is not required."),
    RedesignVerdict.REDESIGN: ("Redesign the service", "The benchmark's threshold for a redesign is passed."),
    RedesignVerdict.REIMPLEMENT: ("Build the service anew", "The benchmark's threshold for building anew is passed."),
    RedesignVerdict.NOT_ENOUGH: ("Not enough evidence", "Too little is known to decide either way."),
}

_CLAUSE_STATES = {
    "ok": "holds",
    "pending": "missed, watched",
    "firing": "missed",
    "insufficient": "too few to say",
    "no_data": "no data",
}


def amount(value: float, unit: str, words: Wording, *, beside: float | None = None) -> str:
    """Return a value with its unit: shares as "of 100", durations in the unit that reads best.

    ``beside`` is the threshold that the value is shown with: it gets as many decimals as it needs to stay on its side.
    """
    decimals = decimals_beside(value, beside)
    if unit == "%":
        return words("{value} of 100", value=words.number(value, decimals))
    if unit == "ms":
        return _duration(value, words)
    if unit in {"", "1", "points", "score"}:
        return words.number(value, decimals)
    return f"{words.number(value, max(2, decimals))} {unit}"


def _duration(value_ms: float, words: Wording) -> str:
    _, size, text = next(step for step in _DURATIONS if abs(value_ms) >= step[0])
    return words(text, value=words.number(value_ms / size))


def result_sentence(result: KpiResult, words: Wording, beside: float | None = None) -> str:
    """Say a result in one sentence: value, interval, sample; or why there is none."""
    if result.state is not ResultState.OK or result.value is None:
        template = _STATES.get(result.state, "Nobody is counted in this period.")
        return words(
            template,
            n=words.number(result.n, 0),
            minimum=words.number(result.minimum_to_show, 0),
            cell=words.number(MINIMUM_CELL, 0),
        )
    value = amount(result.value, result.unit, words, beside=beside)
    n = words.number(result.n, 0)
    interval = result.interval
    if interval is None or interval.low is None or interval.high is None:
        return words("{value}, from {n} cases.", value=value, n=n)
    return words(
        "{value}, from {n} cases: between {low} and {high}, sure at {level} of 100.",
        value=value,
        n=n,
        low=amount(interval.low, result.unit, words),
        high=amount(interval.high, result.unit, words),
        level=words.number(interval.level * 100),
    )


def target_sentence(target: TargetResult, words: Wording) -> str:
    """Say what the target asks for."""
    threshold = amount(target.threshold, target.unit, words)
    if target.comparison == "at_least":
        return words("Target: at least {threshold}.", threshold=threshold)
    return words("Target: at most {threshold}.", threshold=threshold)


def verdict_of(target: TargetResult, words: Wording) -> str:
    """Name the verdict of a target."""
    return words(_VERDICTS[target.verdict])


def redesign_heading(benchmark: BenchmarkResult, words: Wording) -> str:
    """Name the verdict of a benchmark."""
    return words(_REDESIGN[benchmark.verdict][0])


def redesign_sentence(benchmark: BenchmarkResult, words: Wording) -> str:
    """Explain the verdict of a benchmark; a draft says that it is one."""
    sentence = words(_REDESIGN[benchmark.verdict][1])
    return (
        f"{sentence} {words('This benchmark is a draft that nobody has approved yet.')}"
        if benchmark.draft
        else sentence
    )


def clause_state(clause: ClauseResult, words: Wording) -> str:
    """Name the state of a criterion."""
    return words(_CLAUSE_STATES.get(clause.state.partition(" ")[0], "too few to say"))


def cut_name(cut: str, words: Wording) -> str:
    """Name the value of a single cut, for example a channel."""
    return words(cut.partition("=")[2])


def title_of(kpi: str, definition: KpiSummary | None, words: Wording) -> str:
    """Name a KPI: its own title, else its id in words."""
    if definition is not None and definition.title:
        return words.title_of(definition.title)
    return kpi.replace("-", " ").capitalize()
