"""A finding: what was found, by which numbers and method, and where the events behind it are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from civiloop_shared.contracts.evaluations import FindingKind, FindingSummary, Interval
from civiloop_shared.contracts.evaluations import Period as WirePeriod
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.instants import instant

Tone = Literal["problem", "improvement", "notice"]
Number = float | int | str | None
_OF_COMMENTS = {FindingKind.THEME_RISING, FindingKind.THEME_DRIVER}
_BY = ("channel", "language", "assisted", "step", "segment.")


@dataclass(frozen=True, slots=True)
class Finding:
    """`cause` names what it is about and stays the same from one evaluation to the next.

    `people` is about how many people or journeys of the period are concerned: it ranks findings of one kind of weight.
    `kpi` and `cut` say which series shows the events behind it, over `period`.
    """

    kind: FindingKind
    cause: str
    statement: str
    numbers: Mapping[str, Number]
    method: str
    period: Period
    kpi: str
    cut: str = ""
    tone: Tone = "problem"
    people: float = 0.0
    p_value: float | None = None
    q_value: float | None = None
    interval: Interval | None = field(default=None)

    @property
    def id(self) -> str:
        """The same for the same cause, in every evaluation of a service."""
        digest = hashlib.blake2b(f"{self.kind.value}|{self.cause}".encode(), digest_size=5).hexdigest()
        return f"{self.kind.value.replace('_', '-')}-{digest}"

    def adjusted(self, q_value: float) -> Finding:
        """The same with its p-value adjusted for all tests of the evaluation."""
        return replace(self, q_value=q_value)

    def link(self, service: str) -> str:
        """Address of what is behind it: the themes, or the series per day, split by what it is about."""
        first, last = self.period.start, self.period.end
        if self.kind in _OF_COMMENTS:
            return f"/v1/services/{service}/themes?period={first}/{last}"
        every = "day" if last - first <= timedelta(days=62) else "week"
        dimension = self.cut.partition("|")[0].partition("=")[0]
        by = f"&by={dimension}" if dimension.startswith(_BY) else ""
        return f"/v1/services/{service}/kpis/{self.kpi}/series?from={first}&to={last}&every={every}{by}"

    def summary(self, service: str) -> FindingSummary:
        """As it is stored and published."""
        return FindingSummary(
            id=self.id,
            kind=self.kind,
            tone=self.tone,
            cause=self.cause,
            statement=self.statement,
            kpi=self.kpi,
            cut=self.cut,
            numbers=dict(self.numbers),
            people=self.people,
            period=WirePeriod(
                start=instant(self.period.start_ms), end=instant(self.period.end_ms), zone=self.period.zone
            ),
            method=self.method,
            p_value=self.p_value,
            q_value=self.q_value,
            interval=self.interval,
            link=self.link(service),
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One test, or one rule (`p_value` None); `finding` is what is told if it holds."""

    p_value: float | None
    finding: Finding | None

    @staticmethod
    def test(p_value: float, finding: Finding | None) -> Candidate:
        """A test. One whose effect is too small to tell counts as p = 1."""
        if finding is None:
            return Candidate(1.0, None)
        return Candidate(p_value, replace(finding, p_value=p_value))

    @staticmethod
    def rule(finding: Finding) -> Candidate:
        """What needs no test: a rule that holds or does not."""
        return Candidate(None, finding)
