"""What a KPI of a body's own counts, against what a service asks and has."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation_engine.domain import expression
from evaluation_engine.domain.contribution.context import OTHER
from evaluation_engine.domain.where import Where, parse
from evaluation_engine.service.catalogue.documents import ServiceDocument
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument, measures_of
from evaluation_engine.service.catalogue.questions import RESERVED
from evaluation_engine.service.catalogue.use import questions_in_use


def missing_for(kpi: KpiDocument, service: ServiceDocument) -> Iterator[str]:
    """Yield what a service would have to declare for a KPI to be measured there, in words."""
    questions = {question.id: question for question in questions_in_use(service)}
    if kpi.where is not None:
        yield from _not_declared(parse(kpi.where), service)
    for name in measures_of(kpi):
        step, counted = expression.step_in(name), expression.question_in(name)
        if step is not None and step not in (*service.steps, "other"):
            yield f"it counts the step {step}, which this service does not have"
        if counted is None or counted[0] in RESERVED:
            continue
        question = questions.get(counted[0])
        if question is None:
            yield f"it counts answers to {counted[0]}, which this service does not ask"
        elif counted[1] not in (*map(str, question.answers), "offered"):
            yield f"it counts {counted[1]}, which is no answer to {counted[0]}"


def _not_declared(where: Where, service: ServiceDocument) -> Iterator[str]:
    """Yield the values of a condition that nobody can have here."""
    known: dict[str, tuple[str, ...]] = {
        "channel": tuple(channel.value for channel in service.channels),
        "language": (*service.languages, OTHER),
        "assisted": ("yes", "no"),
        "step": (*service.steps, OTHER),
        **{f"segment.{name}": (*values, OTHER) for name, values in service.segments.items()},
    }
    for pick in where.picks:
        if pick.dimension not in known:
            yield f"it is about {pick.dimension}, which this service does not declare"
            continue
        unknown = ", ".join(value for value in pick.values if value not in known[pick.dimension])
        if unknown:
            values = ", ".join(known[pick.dimension]) or "none"
            yield f"it is about {pick.dimension} {unknown}; this service has {values}"
