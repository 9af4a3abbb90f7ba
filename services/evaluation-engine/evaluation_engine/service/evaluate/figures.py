"""The numbers of one evaluation that are to be published: totals, channels, and the dimensions that targets name."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import KpiResult
from evaluation_engine.domain.disclosure.counting import compares_few, counted, scale_of, total_only
from evaluation_engine.domain.disclosure.figures import Figures, dimension_of
from evaluation_engine.domain.disclosure.subject import subject_of
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import Gap, Response
from evaluation_engine.service.evaluate.compute import Answerer, Outcome, window_of
from evaluation_engine.service.evaluate.yardstick import Yardstick

_CHANNEL = "channel"
_STEP = "step"


def figures_of(answerer: Answerer, outcome: Outcome) -> tuple[Figures, ...]:
    """Return the figures of every KPI in use, in the order of the record.

    Steps are not published by themselves: who takes several of them is in several.
    """
    results = {(one.kpi, one.cut): one for one in (*outcome.results, *outcome.cuts)}
    yardstick = answerer.question.yardstick
    return tuple(
        _figures(answerer, definition, {cut: one for (kpi, cut), one in results.items() if kpi == definition.id})
        for definition in yardstick.definitions
    )


def clause_cuts(yardstick: Yardstick) -> dict[tuple[str, str], str]:
    """Return the cut that each clause of each benchmark is about."""
    return dict(_clause_cuts(yardstick))


def _clause_cuts(yardstick: Yardstick) -> Iterator[tuple[tuple[str, str], str]]:
    for one in yardstick.benchmarks:
        for criterion in one.criteria:
            for rule in (*(rule.id for _, rule in criterion.rules(one.version)), f"{criterion.id}.goal"):
                yield (one.id, rule), criterion.cut


def _figures(answerer: Answerer, definition: Definition, results: dict[str, KpiResult]) -> Figures:
    measure, period = definition.measure, answerer.question.period
    window = window_of(definition, period)
    named = {dimension_of(one.cut) for one in answerer.question.yardstick.targets if one.kpi == definition.id}
    wanted = {""} if total_only(measure) else {"", _CHANNEL, *named} - {_STEP}
    evidence = {
        cut: answerer.evidence(definition, cut) for cut in results if "|" not in cut and dimension_of(cut) in wanted
    }
    answers = measure.answers if isinstance(measure, Response) else None
    return Figures(
        kpi=definition.id,
        source=definition.needs[0].source,
        start=window.start,
        end=window.end,
        cells={cut: counted(measure, found, results[cut]) for cut, found in evidence.items()},
        scale=scale_of(measure),
        answered={cut: answers.of(found.measures) for cut, found in evidence.items()} if answers else {},
        overlapping=frozenset([_CHANNEL] if definition.channel_of == "any" else []),
        compares=isinstance(measure, Gap),
        compares_few=compares_few(measure, evidence[""]),
        looks_back=window != period,
        part=definition.where is not None,
        people=definition.needs[0].source != "measurements",
        counts=subject_of(definition),
    )
