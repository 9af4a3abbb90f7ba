"""What an evaluation reads: which buckets of which cuts, added up over topics and over what waits to be gathered."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation_engine.domain.accumulator import Measures, add, merge, subtract
from evaluation_engine.domain.buckets import Cover, Grain, Period, calendar, covering
from evaluation_engine.domain.cohort import Cohort
from evaluation_engine.domain.where import SignedCut
from evaluation_engine.ports.measures import Row, Span
from evaluation_engine.service.evaluate.texts import apart, standard, standard_bucket, survival

_FIRST_MS = 0
_Key = tuple[Grain, str]


@dataclass(slots=True)
class Shopping:
    """Collects what has to be read; spans of the same buckets are read once."""

    _cuts: dict[tuple[Grain, int, int], set[str]] = field(default_factory=dict)
    _ranges: dict[tuple[Period, bool], list[tuple[Grain, int, int]]] = field(default_factory=dict)

    def period(self, period: Period, cuts: Iterable[str], *, days_only: bool = False) -> None:
        """Read cuts over a period: whole months and the days at its edges, or days only."""
        ranges = self._ranges.get((period, days_only))
        if ranges is None:
            ranges = self._ranges[period, days_only] = spans_of(covering(period, days_only=days_only), period)
        for one in ranges:
            self._cuts.setdefault(one, set()).update(cuts)

    def range(self, grain: Grain, start_ms: int, end_ms: int, cuts: Iterable[str]) -> None:
        """Read cuts over all buckets of one grain that begin in a range."""
        if start_ms < end_ms:
            self._cuts.setdefault((grain, start_ms, end_ms), set()).update(cuts)

    def history(self, period: Period, silent_after_ms: int) -> None:
        """Read the total as far back as there is anything, to see when each source spoke last."""
        edge = history_edge_ms(period, silent_after_ms)
        self.range("month", _FIRST_MS, edge, [""])
        self.range("day", edge, period.end_ms, [""])

    def spans(self) -> list[Span]:
        """Return what is to be read, in a fixed order."""
        return [
            Span(grain, start_ms, end_ms, frozenset(cuts))
            for (grain, start_ms, end_ms), cuts in sorted(self._cuts.items())
        ]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans that read the same buckets, each of them once: for many periods answered from one snapshot."""
    ranges: dict[_Key, list[tuple[int, int]]] = {}
    for span in spans:
        for cut in span.cuts:
            ranges.setdefault((span.grain, cut), []).append((span.from_ms, span.to_ms))
    cuts: dict[tuple[Grain, int, int], set[str]] = {}
    for (grain, cut), parts in ranges.items():
        for from_ms, to_ms in _union(parts):
            cuts.setdefault((grain, from_ms, to_ms), set()).add(cut)
    return [Span(*where, frozenset(found)) for where, found in sorted(cuts.items())]


def _union(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for from_ms, to_ms in sorted(parts):
        if found and from_ms <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], to_ms))
        else:
            found.append((from_ms, to_ms))
    return found


def history_edge_ms(period: Period, silent_after_ms: int) -> int:
    """Return the start of the month up to which months tell enough of when a source spoke last."""
    return calendar(period.zone).month_start(period.end_ms - silent_after_ms)


def spans_of(cover: Cover, period: Period) -> list[tuple[Grain, int, int]]:
    """Return the buckets of a cover as ranges: the months, the days before and the days after them."""
    if not cover.months:
        return [("day", period.start_ms, period.end_ms)]
    after = calendar(period.zone)
    last = after.date_of(cover.months[-1])
    months_end = Period.month_of(last, period.zone).end_ms
    ranges: list[tuple[Grain, int, int]] = [("month", cover.months[0], months_end)]
    if period.start_ms < cover.months[0]:
        ranges.append(("day", period.start_ms, cover.months[0]))
    if months_end < period.end_ms:
        ranges.append(("day", months_end, period.end_ms))
    return ranges


class _Texts(defaultdict[str, dict[int, list[str]]]):
    """Rows by cut and start."""

    def __init__(self) -> None:
        super().__init__(lambda: defaultdict(list))

    def sums(self, cut: str) -> tuple[dict[int, Measures], dict[int, str]]:
        """Return the measures of a cut, and its survival as text, where there is any."""
        sums: dict[int, Measures] = {}
        members: dict[int, str] = {}
        for start_ms, texts in self.get(cut, {}).items():
            sums[start_ms], survives = apart(",".join(texts))
            if survives:
                members[start_ms] = survives
        return sums, members


@dataclass(frozen=True, slots=True)
class Readings:
    """Merged measures by grain and cut, then by the start of the bucket; survival apart, as text for `survival`."""

    buckets: Mapping[_Key, Mapping[int, Measures]]
    starts: Mapping[_Key, Mapping[int, str]] = field(default_factory=dict)
    _sums: dict[tuple[Period, tuple[SignedCut, ...], bool], Measures] = field(default_factory=dict, compare=False)
    _survival: dict[tuple[str, int], Measures] = field(default_factory=dict, compare=False)

    @staticmethod
    def of(spans: Sequence[Span], rows: Sequence[Sequence[Row]]) -> Readings:
        """Merge the rows of each span; sums are exact, so their order can't matter."""
        found: dict[_Key, dict[int, Measures]] = {}
        starts: dict[_Key, dict[int, str]] = {}
        for span, part in zip(spans, rows, strict=True):
            texts, days = _Texts(), _Texts()
            for cut, start_ms, data, of_day in part:
                (days if of_day else texts)[cut][start_ms].append(data)
            for cut in dict.fromkeys((*texts, *days)):
                sums, members = texts.sums(cut)
                for start_ms, measures in days.sums(cut)[0].items():
                    add(sums.setdefault(start_ms, {}), measures)
                kept = {start_ms: one for start_ms, one in sums.items() if one or start_ms in members}
                if kept:
                    found.setdefault((span.grain, cut), {}).update(kept)
                if members:
                    starts.setdefault((span.grain, cut), {}).update(members)
        return Readings(found, starts)

    def of_cut(self, grain: Grain, cut: str) -> Mapping[int, Measures]:
        """Return all buckets of a cut."""
        return self.buckets.get((grain, cut), {})

    def parts(self, period: Period, cut: str, *, days_only: bool = False) -> list[Measures]:
        """Return the measures of each bucket that makes up a period, where there are any."""
        found = (
            self.of_cut(grain, cut).get(start_ms) for grain, start_ms in covering(period, days_only=days_only).pairs()
        )
        return [measures for measures in found if measures]

    def combined(self, period: Period, cuts: Sequence[SignedCut], *, days_only: bool = False) -> list[Measures]:
        """Return the measures of each bucket that makes up a period, from cuts that are added and taken off."""
        found = (self.at(grain, start, cuts) for grain, start in covering(period, days_only=days_only).pairs())
        return [measures for measures in found if measures]

    def buckets_of(self, grain: Grain, cuts: Sequence[SignedCut]) -> Mapping[int, Measures]:
        """Return all buckets of cuts that are added and taken off."""
        starts = sorted({start for _, cut in cuts for start in self.of_cut(grain, cut)})
        return {start: self.at(grain, start, cuts) for start in starts}

    def at(self, grain: Grain, start_ms: int, cuts: Sequence[SignedCut]) -> Measures:
        """Return the measures of one bucket from cuts that are added and taken off."""
        if len(cuts) == 1 and cuts[0][0] > 0:  # by far the commonest, and not copied
            return self.of_cut(grain, cuts[0][1]).get(start_ms, {})
        total: Measures = {}
        for sign, cut in cuts:
            (add if sign > 0 else subtract)(total, self.of_cut(grain, cut).get(start_ms, {}))
        return total

    def total(self, period: Period, cut: str, *, days_only: bool = False) -> Measures:
        """Return the sum of a cut over a period."""
        return self.sum(period, ((1, cut),), days_only=days_only)

    def sum(self, period: Period, cuts: tuple[SignedCut, ...], *, days_only: bool = False) -> Measures:
        """Return the sum over a period, made once: it is the same map every time and must not be changed."""
        which = (period, cuts, days_only)
        known = self._sums.get(which)
        if known is None:
            known = self._sums[which] = merge(self.combined(period, cuts, days_only=days_only))
        return known

    def cohorts(self, period: Period, cut: str) -> tuple[Cohort, ...]:
        """Return one cohort for each start day that has any measures."""
        days = self.of_cut("day", cut)
        starts = covering(period, days_only=True).days
        bounds = zip(starts, (*starts[1:], period.end_ms), strict=True)
        return tuple(
            Cohort(start_ms, end_ms, self._start_day(cut, start_ms)) for start_ms, end_ms in bounds if start_ms in days
        )

    def _start_day(self, cut: str, start_ms: int) -> Measures:
        """Return the survival of a day, parsed once: periods of a series overlap."""
        known = self._survival.get((cut, start_ms))
        if known is None:
            members = self.starts.get(("day", cut), {}).get(start_ms, "")
            known = self._survival[cut, start_ms] = survival(members)
        return known

    def digest(self, *others: object) -> str:
        """Return the hash of everything that was read, and of other inputs as JSON types."""
        text = hashlib.blake2b(b"[[", digest_size=16)  # never whole: it has megabytes
        large: set[str] = set()
        for place, ((grain, cut), by_start) in enumerate(sorted(self.buckets.items())):
            members = self.starts.get((grain, cut), {})
            text.update(b"%b[%b,%b,[" % (b"," if place else b"", standard(grain), standard(cut)))
            for number, (start_ms, measures) in enumerate(sorted(by_start.items())):
                text.update(b"," if number else b"")
                text.update(standard_bucket(start_ms, measures, members.get(start_ms, ""), large))
            text.update(b"]]")
        text.update(b",".join([b"]", *map(standard, others)]) + b"]")
        return text.hexdigest()
