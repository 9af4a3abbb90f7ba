"""The week since which a number is another one.

PELT (Killick, Fearnhead, Eckley 2012, JASA 107:1590; by the package ruptures) divides the weeks into stretches. Where
the last division lies in the period or the one before, its stretch is tested: how often do shuffled weeks show a jump
as large, anywhere? What was released then is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding, Tone
from evaluation_engine.domain.findings.scene import TREND_WEEKS, Scene, Week, satisfied
from evaluation_engine.domain.findings.significance import Count, total
from evaluation_engine.domain.sketch import middle_of

FEWEST_WEEKS = 12
SHORTEST = 3
"""Weeks that a stretch has at least."""

SHUFFLES = 3_999
_FIRST_SHUFFLES = 299
_SEED = 20_261_124
Signal = NDArray[np.float64]

_METHOD = (
    f"weekly values of up to {TREND_WEEKS} weeks; PELT with a squared-error cost and penalty 3 ln(weeks) on values of "
    f"unit variance; p by {SHUFFLES:,} shuffles of the weeks around the division, largest jump anywhere"
)


@dataclass(frozen=True, slots=True)
class _Trend:
    """A number that is followed week by week; `signal` has about unit variance while nothing changes.

    Weeks that are not `usable` are passed over.
    """

    name: str
    kpi: str
    good: int
    signal: Callable[[Sequence[Week]], Signal | None]
    level: Callable[[Sequence[Week]], float]
    least: float
    relative: bool
    settled: bool = False
    usable: Callable[[Week], bool] = lambda _: True


def find(scene: Scene) -> Iterator[Candidate]:
    """One test for each number that is followed."""
    for trend in _TRENDS:
        seen = (one for one in scene.trend if not trend.settled or one.start + _WEEK <= scene.settled_until)
        weeks = [one for one in seen if trend.usable(one)]
        if len(weeks) >= FEWEST_WEEKS:
            signal = trend.signal(weeks)
            if signal is not None:
                yield _look(scene, trend, weeks, signal)


_WEEK = timedelta(days=7)


def _look(scene: Scene, trend: _Trend, weeks: Sequence[Week], signal: Signal) -> Candidate:
    divisions = divided(signal)
    if not divisions or weeks[divisions[-1]].start < _earliest(scene.period):
        return Candidate.test(1.0, None)
    last = divisions[-1]
    first = divisions[-2] if len(divisions) > 1 else 0
    finding = _finding(scene, trend, weeks[first:last], weeks[last:])
    if finding is None:
        return Candidate.test(1.0, None)
    return Candidate.test(shuffled_p(signal[first:]), finding)


def divided(signal: Signal) -> list[int]:
    """Indexes at which a new stretch begins."""
    # slow to import, and needed only where there are weeks enough
    from ruptures import KernelCPD

    found = KernelCPD(kernel="linear", min_size=SHORTEST).fit(signal.reshape(-1, 1)).predict(pen=3 * log(len(signal)))
    return [int(index) for index in found[:-1]]


def shuffled_p(signal: Signal) -> float:
    """P-value of the largest jump anywhere, by permutation; a first few shuffles tell what is no change at all."""
    seen = _largest_jump(signal.reshape(1, -1))[0]
    dice = np.random.Generator(np.random.PCG64(_SEED))
    as_large = 0
    for shuffles in (_FIRST_SHUFFLES, SHUFFLES - _FIRST_SHUFFLES):
        drawn = dice.permuted(np.tile(signal, (shuffles, 1)), axis=1)
        as_large += int((_largest_jump(drawn) >= seen - 1e-9).sum())
        if shuffles == _FIRST_SHUFFLES and as_large > _FIRST_SHUFFLES // 5:
            return (1 + as_large) / (1 + shuffles)
    return (1 + as_large) / (1 + SHUFFLES)


def _largest_jump(rows: Signal) -> Signal:
    """Largest standardised difference of means before and after, over all places, for each row."""
    length = rows.shape[1]
    places = np.arange(SHORTEST, length - SHORTEST + 1)
    sums = rows.cumsum(axis=1)
    ahead = sums[:, places - 1] - places / length * sums[:, -1:]
    found: Signal = (np.abs(ahead) / np.sqrt(places * (length - places) / length)).max(axis=1)
    return found


def _earliest(period: Period) -> date:
    """Start of the period before, at least six weeks back: a change needs weeks behind it to be seen."""
    return min(period.start - (period.end - period.start), period.start - 6 * _WEEK)


def _finding(scene: Scene, trend: _Trend, before: Sequence[Week], after: Sequence[Week]) -> Finding | None:
    was, is_ = trend.level(before), trend.level(after)
    move = (is_ - was) / was if trend.relative and was else is_ - was
    if abs(move) < trend.least:
        return None
    better = trend.good * move
    tone: Tone = "improvement" if better > 0 else "problem" if better < 0 else "notice"
    since = after[0].start
    return Finding(
        kind=FindingKind.CHANGE_POINT,
        cause=f"{trend.name}|{'up' if move > 0 else 'down'}",
        statement=(
            f"{words.sentence(trend.name)} {'rose' if move > 0 else 'fell'} about the week of {words.day(since)}: "
            f"{_level(trend, was)} in the {len(before)} weeks before, {_level(trend, is_)} since."
        ),
        numbers={
            "what": trend.name,
            "since": since.isoformat(),
            "before": was,
            "after": is_,
            "weeks_before": len(before),
            "weeks_after": len(after),
        },
        method=_METHOD,
        period=Period(before[0].start, after[-1].start + _WEEK, scene.period.zone),
        kpi=trend.kpi,
        tone=tone,
    )


def _level(trend: _Trend, value: float) -> str:
    if not trend.relative:
        return words.percent(value)
    return f"{value:,.1f} a week" if trend.name == "the number of journeys" else f"{value:,.1f} days"


def _completed(measures: Mapping[str, int]) -> Count:
    return Count(measures.get("j.completed", 0), measures.get("j.started", 0) - measures.get("j.fault", 0))


def _share_signal(of: Callable[[Mapping[str, int]], Count]) -> Callable[[Sequence[Week]], Signal | None]:
    def signal(weeks: Sequence[Week]) -> Signal | None:
        counts = [of(one.measures) for one in weeks]
        whole = total(counts)
        if not 0 < whole.share < 1 or whole.n < 5 * len(weeks) or any(not 0 <= one.k <= one.n for one in counts):
            return None
        scale = sqrt(whole.share * (1 - whole.share))
        raw: Signal = np.array(
            [(one.k - one.n * whole.share) / (scale * sqrt(one.n)) if one.n else 0.0 for one in counts]
        )
        divided_by_noise: Signal = raw / max(1.0, _noise(raw))
        return divided_by_noise

    return signal


def _volume_signal(weeks: Sequence[Week]) -> Signal | None:
    counts = np.array([float(one.measures.get("j.started", 0)) for one in weeks])
    if counts.sum() < 5 * len(weeks):
        return None
    raw: Signal = 2 * np.sqrt(counts + 0.375)  # Anscombe 1948: unit variance for Poisson counts
    found: Signal = (raw - raw.mean()) / max(1.0, _noise(raw))
    return found


def _duration_signal(weeks: Sequence[Week]) -> Signal | None:
    """Logarithm of the median duration of each week."""
    raw: Signal = np.log([_median(one) or 1.0 for one in weeks])
    noise = _noise(raw)
    return (raw - raw.mean()) / noise if noise > 0 else None


def _noise(raw: Signal) -> float:
    """Robust standard deviation from differences of neighbours, which a change of level hardly touches."""
    steps = np.abs(np.diff(raw))
    return float(np.median(steps)) / (0.6745 * sqrt(2))


def _median(week: Week) -> float | None:
    sketch = week.durations
    everyone, passed = sketch.n, 0
    if everyone < 5:
        return None
    for index, n in sketch.counts:
        passed += n
        if 2 * passed >= everyone:
            return max(1.0, middle_of(index))
    return None


def _share_level(of: Callable[[Mapping[str, int]], Count]) -> Callable[[Sequence[Week]], float]:
    return lambda weeks: total(of(one.measures) for one in weeks).share


def _volume_level(weeks: Sequence[Week]) -> float:
    return sum(one.measures.get("j.started", 0) for one in weeks) / len(weeks)


def _duration_level(weeks: Sequence[Week]) -> float:
    values = sorted(value for one in weeks if (value := _median(one)) is not None)
    return values[len(values) // 2] / 86_400_000 if values else 0.0


_TRENDS = (
    _Trend("satisfaction", "csat", 1, _share_signal(satisfied), _share_level(satisfied), 0.03, relative=False),
    _Trend(
        "the completion rate",
        "completion-rate",
        1,
        _share_signal(_completed),
        _share_level(_completed),
        0.03,
        relative=False,
        settled=True,
    ),
    _Trend("the number of journeys", "completion-rate", 0, _volume_signal, _volume_level, 0.15, relative=True),
    _Trend(
        "the time to fulfilment",
        "fulfilment-time-median",
        -1,
        _duration_signal,
        _duration_level,
        0.15,
        relative=True,
        usable=lambda week: _median(week) is not None,
    ),
)
