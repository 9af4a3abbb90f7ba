"""The record of an evaluation: canonical JSON, and what a revision changed, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from civiloop_shared.contracts.evaluations import EvaluationRecorded, KpiResult, KpiSummary, Period
from evaluation_engine.domain.disclosure.figures import Figures, History
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.result import display
from evaluation_engine.ports.evaluations import Finished
from evaluation_engine.service.evaluate.compute import Outcome, Question
from evaluation_engine.service.evaluate.publishing import ClauseCuts, publish

_MOST_CHANGES = 100


def canonical(record: EvaluationRecorded) -> bytes:
    """Return the one JSON text of a record: sorted keys, UTC with Z, no spaces."""
    return orjson.dumps(record.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


def read(record: bytes) -> EvaluationRecorded:
    """Return a stored record."""
    return EvaluationRecorded.model_validate_json(record)


def recorded(question: Question, outcome: Outcome, *, digest: str, closed: bool) -> EvaluationRecorded:
    """Return the record of an outcome, with number and revision still to be given."""
    yardstick, period = question.yardstick, question.period
    return EvaluationRecorded(
        service=yardstick.service,
        body=yardstick.body,
        number=0,
        revision=0,
        period=Period(start=instant(period.start_ms), end=instant(period.end_ms), zone=period.zone),
        closed=closed,
        as_of=instant(outcome.as_of_ms),
        catalogue_version=yardstick.catalogue_version,
        inputs_digest=digest,
        definitions=tuple(map(_summary, yardstick.definitions)),
        results=outcome.results,
        cuts=outcome.cuts,
        targets=outcome.targets,
        benchmarks=outcome.benchmarks,
    )


def _summary(definition: Definition) -> KpiSummary:
    return KpiSummary(
        id=definition.id,
        version=definition.version,
        title=dict(definition.title),
        formula=definition.formula,
        source=definition.source,
        unit=definition.unit,
        direction=definition.direction,
        family=definition.family,
        interval_method=definition.interval,
        minimum_to_show=definition.minimum_to_show,
        minimum_to_judge=definition.minimum_to_judge,
    )


@dataclass(frozen=True, slots=True)
class Publishing:
    """What it takes to publish a record: its figures, and which cut each clause of its benchmarks is about."""

    figures: tuple[Figures, ...]
    clause_cuts: ClauseCuts


def finished(
    record: EvaluationRecorded,
    publishing: Publishing | None,
    number: int,
    revision: int,
    replaced: bytes | None,
    history: History,
) -> Finished:
    """Return the canonical JSON of a record with its number, what it changes of the one it replaces, and publishes."""
    old = read(replaced) if replaced else None
    changed = tuple(changes(old, record))[:_MOST_CHANGES] if old else ()
    made = record.model_copy(update={"number": number, "revision": revision, "changed": changed})
    if publishing is None:
        return Finished(canonical(made))
    published = publish(made, publishing.figures, history, clause_cuts=publishing.clause_cuts, replaced=old)
    return Finished(canonical(published.record), published.editions)


def changes(old: EvaluationRecorded, new: EvaluationRecorded) -> Iterator[str]:
    """Yield one sentence for each result and verdict that is another one now."""
    before = {(one.kpi, one.cut): one for one in (*old.results, *old.cuts)}
    after = {(one.kpi, one.cut): one for one in (*new.results, *new.cuts)}
    for key in dict.fromkeys((*before, *after)):
        was, is_ = _words(before.get(key)), _words(after.get(key))
        if was != is_:
            yield f"{' '.join(part for part in key if part)}: {was} → {is_}"
    verdicts = {one.target: one.verdict.value for one in old.targets}
    for target in new.targets:
        if verdicts.get(target.target, target.verdict.value) != target.verdict.value:
            yield f"target {target.target}: {verdicts[target.target]} → {target.verdict.value}"
    judged = {one.benchmark: one.verdict.value for one in old.benchmarks}
    for one in new.benchmarks:
        if judged.get(one.benchmark, one.verdict.value) != one.verdict.value:
            yield f"benchmark {one.benchmark}: {judged[one.benchmark]} → {one.verdict.value}"


def _words(result: KpiResult | None) -> str:
    if result is None:
        return "nothing"
    if result.value is None:
        return f"{result.state.value} (n = {result.n})"
    return f"{display(result.value, decimals=3)} {result.unit} (n = {result.n})"
