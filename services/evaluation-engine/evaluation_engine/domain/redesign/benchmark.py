"""A redesign benchmark: criteria, their limits, and how the limits combine at two levels.

`judgement.py` decides by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from evaluation_engine.domain import rule as rules
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.redesign import kleene
from evaluation_engine.domain.redesign.clause import Clause, Level
from evaluation_engine.domain.redesign.kleene import Truth
from evaluation_engine.domain.rule import DecideBy, Rule, Side


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a criterion is broken, and from where it is good again."""

    side: Side
    breach: float
    clear: float


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a benchmark looks at."""

    id: str
    kpi: str
    source: str
    cut: str = ""
    critical: bool = False
    weight: float = 1.0
    goal: float | None = None
    redesign: Limit | None = None
    reimplement: Limit | None = None
    decide_by: DecideBy = "point"
    min_sample: int = 100
    for_: int = 0
    keep_firing_for: int = 0
    no_data: Literal["keep_last", "no_data"] = "no_data"

    def rules(self, version: int = 1) -> list[tuple[Level, Rule]]:
        """A rule for each level it has."""
        limits: list[tuple[Level, Limit | None]] = [("redesign", self.redesign), ("reimplement", self.reimplement)]
        return [(level, self._rule(level, limit, version)) for level, limit in limits if limit is not None]

    def _rule(self, level: Level, limit: Limit, version: int) -> Rule:
        return Rule(
            id=f"{self.id}.{level}",
            kpi=self.kpi,
            cut=self.cut,
            side=limit.side,
            breach=limit.breach,
            clear=limit.clear,
            decide_by=self.decide_by,
            min_sample=self.min_sample,
            for_=self.for_,
            keep_firing_for=self.keep_firing_for,
            no_data=self.no_data,
            version=version,
            source=self.source,
        )

    @property
    def side(self) -> Side:
        """The bad side."""
        limit = self.redesign or self.reimplement
        if limit is None:
            raise ValueError(f"{self.id}: has neither a redesign nor a re-implement limit")
        return limit.side


@dataclass(frozen=True, slots=True)
class Combination:
    """How the criteria of a level are combined; `k` belongs to k_of_n, `share` of all weights to weighted."""

    rule: Literal["any_critical", "any", "all", "k_of_n", "weighted"] = "any_critical"
    k: int | None = None
    share: float | None = None

    def holds(self, clauses: Iterable[Clause]) -> Truth:
        """Whether the level is required; without clauses it is not."""
        found = list(clauses)
        if not found:
            return False
        critical = kleene.any_of(clause.truth for clause in found if clause.critical)
        return kleene.any_of([critical, self._combined(found)])

    @property
    def in_words(self) -> str:
        """What is needed, for people."""
        return {
            "any_critical": "one critical criterion is enough",
            "any": "one criterion is enough",
            "all": "all criteria are needed",
            "k_of_n": f"{self.k} criteria are needed",
            "weighted": f"{100 * (self.share or 1):.0f} % of the weights are needed",
        }[self.rule]

    def _combined(self, clauses: list[Clause]) -> Truth:
        truths = [clause.truth for clause in clauses]
        if self.rule == "any":
            return kleene.any_of(truths)
        if self.rule == "all":
            return kleene.all_of(truths)
        if self.rule == "k_of_n":
            return kleene.at_least(self.k or len(truths), truths)
        if self.rule == "weighted":
            total = sum(clause.weight for clause in clauses)
            # A share of 0.6 over weights that add up to it must not fail by the last bit of a float.
            needed = (self.share or 1.0) * total * (1 - 1e-12)
            return kleene.weighted(needed, [(clause.truth, clause.weight) for clause in clauses])
        return False


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Criteria and how they combine at two levels; one that nobody approved is a draft."""

    id: str
    title: Mapping[str, str]
    criteria: tuple[Criterion, ...]
    source: str
    version: int = 1
    redesign_when: Combination = Combination()
    reimplement_when: Combination = Combination()
    owner: str | None = None
    approved_by: str | None = None
    approved_on: date | None = None
    review_by: date | None = None

    @property
    def draft(self) -> bool:
        """True when nobody approved it."""
        return self.approved_by is None or self.approved_on is None

    def rules(self) -> list[Rule]:
        """Every rule, for checking at load."""
        return [rule for criterion in self.criteria for _, rule in criterion.rules(self.version)]


def faults(benchmark: Benchmark, definitions: Mapping[str, Definition]) -> list[str]:
    """Everything that keeps a benchmark from being loaded, one sentence each."""
    found = rules.faults(benchmark.rules(), definitions)
    for level, combination in (("redesign", benchmark.redesign_when), ("reimplement", benchmark.reimplement_when)):
        having = [c for c in benchmark.criteria if getattr(c, level) is not None]
        if combination.rule == "any_critical" and having and not any(c.critical for c in having):
            found.append(f"{benchmark.id}: {level} can never fire, none of its criteria is critical")
        if combination.k is not None and having and combination.k > len(having):
            found.append(f"{benchmark.id}: {level} can never fire, it needs {combination.k} of {len(having)} criteria")
    if not benchmark.rules():
        found.append(f"{benchmark.id}: no criterion has a limit")
    return found
