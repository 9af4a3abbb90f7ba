"""All KPIs that come with the platform, in packs that a service chooses from."""

from __future__ import annotations

from collections.abc import Iterable

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_catalogue import CATALOGUE
from evaluation_engine.domain.packs import a11, gc, generic, govuk, jdma
from evaluation_engine.domain.packs.pack import Pack, three

CORE = Pack(
    id="core",
    title=three("Core", "Βασικοί", "پایه"),
    source="each KPI names its own",
    definitions=CATALOGUE,
)

PACKS: dict[str, Pack] = {pack.id: pack for pack in (CORE, govuk.PACK, jdma.PACK, a11.PACK, gc.PACK, generic.PACK)}
ALL: tuple[Definition, ...] = tuple(one for pack in PACKS.values() for one in pack.definitions)
"""Every definition, in the order of packs and scorecards."""

BY_ID: dict[str, Definition] = {one.id: one for one in ALL}


def questions_of(packs: Iterable[str], kpis: Iterable[str]) -> tuple[QuestionDefined, ...]:
    """The questions that the packs in use ask, and those of the packs of single KPIs that count their answers."""
    wanted = set(packs)
    needed = {name for kpi in kpis if kpi in BY_ID for need in BY_ID[kpi].needs for name in need.measures}
    return tuple(
        question
        for pack in PACKS.values()
        for question in pack.questions
        if pack.id in wanted or any(f"q.{question.id}.".startswith(name[:-1]) for name in needed if name[:2] == "q.")
    )
