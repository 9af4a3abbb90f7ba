"""What the public may see of an evaluation: decided by `domain.disclosure`, put into words and numbers here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from civiloop_shared.contracts.evaluations import (
    EvaluationRecorded,
    KpiResult,
    Publication,
    PublishedBenchmark,
    PublishedTarget,
    Withheld,
)
from evaluation_engine.domain.disclosure.choice import Table, choose
from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures, History, dimension_of
from evaluation_engine.domain.disclosure.public_form import (
    hidden,
    hidden_benchmark,
    hidden_target,
    public,
    public_benchmark,
    public_target,
)

ClauseCuts = Mapping[tuple[str, str], str]
"""Which cut the clause of a benchmark is about, by benchmark and rule."""

_KEPT = "an earlier edition stays: this one would tell of a few people"


@dataclass(frozen=True, slots=True)
class Published:
    """The record with what is published of it, and the tables that are published for the first time with it."""

    record: EvaluationRecorded
    editions: tuple[Edition, ...]


def publish(
    record: EvaluationRecorded,
    figures: tuple[Figures, ...],
    history: History,
    *,
    clause_cuts: ClauseCuts,
    replaced: EvaluationRecorded | None = None,
) -> Published:
    """Add the publication to a record that has its number; ``replaced`` is the revision before.

    The same record, figures, history and replaced revision give the same publication.
    """
    work = _Publishing(record, {one.kpi: one for one in figures}, history, clause_cuts, replaced)
    return Published(
        record.model_copy(update={"published": work.publication(), "withheld": tuple(work.withheld())}),
        tuple(work.editions()),
    )


@dataclass(frozen=True)
class _Publishing:
    record: EvaluationRecorded
    figures: Mapping[str, Figures]
    history: History
    clause_cuts: ClauseCuts
    replaced: EvaluationRecorded | None

    @cached_property
    def choice(self) -> dict[tuple[str, str], Table]:
        return choose(self.figures.values(), self.history)

    @cached_property
    def exact(self) -> dict[tuple[str, str], KpiResult]:
        return {(one.kpi, one.cut): one for one in (*self.record.results, *self.record.cuts)}

    @cached_property
    def bare(self) -> frozenset[str]:
        """KPIs of which nothing but the value is shown."""
        return frozenset(kpi for kpi, one in self.figures.items() if one.compares)

    @property
    def before(self) -> Publication:
        """What the revision before showed."""
        return (self.replaced.published if self.replaced else None) or Publication()

    def publication(self) -> Publication:
        return Publication(
            results=tuple(self._of_table(kpi, "")[0] for kpi in self.figures),
            cuts=tuple(one for (kpi, name) in self.choice if name for one in self._of_table(kpi, name)),
            targets=tuple(self._targets()),
            benchmarks=tuple(self._benchmarks()),
            kept={_named(*name): table.kept.name for name, table in self.choice.items() if table.kept},
        )

    def _of_table(self, kpi: str, dimension: str) -> list[KpiResult]:
        """The results of one table as they are shown; a table of groups without a single one shown is left out."""
        table = self.choice[kpi, dimension]
        if table.kept:
            return [KpiResult.model_validate(one) for one in table.kept.results]
        if not dimension and table.why:
            return [hidden(self.exact[kpi, ""])]
        cuts = () if table.why else table.cells
        return [
            public(self.exact[kpi, cut], bare=kpi in self.bare) if table.shows(cut) else hidden(self.exact[kpi, cut])
            for cut in cuts
            if (kpi, cut) in self.exact
        ]

    def _visible(self, kpi: str, cut: str) -> bool:
        """Whether the number of this very evaluation is shown."""
        table = self.choice.get((kpi, dimension_of(cut)))
        return table is not None and "|" not in cut and table.shows(cut)

    def _targets(self) -> Iterator[PublishedTarget]:
        shown_before = {one.target: one for one in self.before.targets}
        for target in self.record.targets:
            old = shown_before.get(target.target)
            blank = hidden_target(target)
            if self._visible(target.kpi, target.result.cut):
                yield public_target(target, bare=target.kpi in self.bare)
            elif old and self._stays(target.kpi, target.result.cut) and _asks_the_same(old, blank):
                yield old
            else:
                yield blank

    def _benchmarks(self) -> Iterator[PublishedBenchmark]:
        shown_before = {one.benchmark: one for one in self.before.benchmarks}
        for one in self.record.benchmarks:
            rests_on = [(clause.kpi, self.clause_cuts.get((one.benchmark, clause.rule), "|")) for clause in one.clauses]
            old = shown_before.get(one.benchmark)
            if all(self._visible(kpi, cut) for kpi, cut in rests_on):
                yield public_benchmark(one, self.bare)
            elif old and all(self._visible(kpi, cut) or self._stays(kpi, cut) for kpi, cut in rests_on):
                yield old
            else:
                yield hidden_benchmark(one)

    def _stays(self, kpi: str, cut: str) -> bool:
        """Whether an earlier edition of the number is shown, which the revision before showed too."""
        table = self.choice.get((kpi, dimension_of(cut)))
        count = table.kept.cells.get(cut) if table and table.kept else None
        return count is not None and count.shown

    def withheld(self) -> Iterator[Withheld]:
        for (kpi, dimension), table in self.choice.items():
            whole = f"{dimension}=*" if dimension else ""
            if table.kept:
                now = self._now(kpi, dimension)
                if not table.kept.same_people(now):
                    yield Withheld(kpi=kpi, cut=whole, reason=_KEPT)
            elif table.why:
                yield Withheld(kpi=kpi, cut=whole, reason=table.why)
            else:
                for cut, why in table.hidden.items():
                    yield Withheld(kpi=kpi, cut=cut, reason=why)

    def _now(self, kpi: str, dimension: str) -> Mapping[str, Count]:
        figures = self.figures[kpi]
        return figures.of(dimension) if dimension else {"": figures.total}

    def editions(self) -> Iterator[Edition]:
        """Tables that show people, and something that the newest edition of them didn't."""
        for (kpi, dimension), table in self.choice.items():
            figures = self.figures[kpi]
            if not table.new or not any(count.n for count in table.cells.values()):
                continue
            results = tuple(one.model_dump(mode="json") for one in self._of_table(kpi, dimension))
            cells = {cut: one._replace(shown=table.shows(cut)) for cut, one in table.cells.items()}
            known = self.history.of(kpi, dimension)
            if known and known[-1].results == results and known[-1].same_people(cells):
                continue
            yield Edition(
                kpi=kpi,
                dimension=dimension,
                start=figures.start,
                end=figures.end,
                number=self.record.number,
                revision=self.record.revision,
                cells=cells,
                results=results,
                counts=figures.subject,
            )


def _named(kpi: str, dimension: str) -> str:
    return f"{kpi}/{dimension}" if dimension else kpi


def _asks_the_same(old: PublishedTarget, new: PublishedTarget) -> bool:
    asked: Iterable[str] = ("kpi", "comparison", "threshold", "unit")
    return old.result.cut == new.result.cut and all(getattr(old, name) == getattr(new, name) for name in asked)
