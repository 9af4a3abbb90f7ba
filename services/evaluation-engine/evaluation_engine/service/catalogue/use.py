"""What a service uses: KPIs by pack or one by one, and the questions that they need."""

from __future__ import annotations

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.packs import PACKS, questions_of
from evaluation_engine.service.catalogue.documents import ServiceDocument


def kpis_in_use(service: ServiceDocument) -> tuple[str, ...]:
    """Return ids of all KPIs in use: those of its packs, then those listed; the core where it names neither."""
    packs = service.packs or (() if service.kpis else ("core",))
    of_packs = (one.id for pack in packs if pack in PACKS for one in PACKS[pack].definitions)
    return tuple(dict.fromkeys((*of_packs, *service.kpis)))


def questions_in_use(service: ServiceDocument) -> tuple[QuestionDefined, ...]:
    """Return the questions that may be answered: its own, and those of the packs whose ids it doesn't use itself."""
    own = tuple(question.defined() for question in service.questions)
    taken = {question.id for question in own}
    return (*own, *(one for one in questions_of(service.packs, service.kpis) if one.id not in taken))
