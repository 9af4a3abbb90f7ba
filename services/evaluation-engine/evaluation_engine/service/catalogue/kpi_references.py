"""What a KPI of a body's own counts, against what a service asks and has."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation_engine.domain import expression
from evaluation_engine.service.catalogue.documents import ServiceDocument
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument, measures_of
from evaluation_engine.service.catalogue.questions import RESERVED
from evaluation_engine.service.catalogue.use import questions_in_use


def missing_for(kpi: KpiDocument, service: ServiceDocument) -> Iterator[str]:
    """Yield what a service would have to declare for a KPI to be measured there, in words."""
    questions = {question.id: question for question in questions_in_use(service)}
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
