"""What used to arrive and does not any more: every number that rests on it says too little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.buckets import calendar
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding, Number
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.instants import instant

EXPECTED = 15.0
"""Nothing where this many were to be expected by the own past is no chance (e^-15)."""

FEWEST_WEEKS = 4


def find(scene: Scene) -> Iterator[Candidate]:
    """Sources past their own limit, and answers or channels from which nothing came where much used to."""
    silent = list(_sources(scene))
    yield from silent
    if not any(one.finding and one.finding.cause == "source=journeys" for one in silent):
        yield from _stopped(scene)


def _sources(scene: Scene) -> Iterator[Candidate]:
    seen_until = min(scene.period.end_ms, scene.as_of_ms)
    told: set[str] = set()
    for need in scene.needs:
        name = need.source if need.source == "journeys" else need.name
        related = [one for one in scene.needs if one.source == need.source]
        if name in told or scene.sources.never(need) or not scene.sources.silent(need, related, seen_until):
            continue
        told.add(name)
        last = max(scene.sources.last_seen_ms.get(one.name, 0) for one in ((need,) if name != "journeys" else related))
        since = calendar(scene.period.zone).date_of(last - 1)
        yield _candidate(
            scene,
            cause=f"source={name}",
            statement=f"Nothing of “{name}” has arrived since {words.day(since)}: what rests on it can't be judged.",
            numbers={"source": name, "last_seen": instant(last).isoformat()},
            method="silent for longer than the limit that the service states",
        )


def _stopped(scene: Scene) -> Iterator[Candidate]:
    weeks = len(scene.past)
    if weeks < FEWEST_WEEKS:
        return
    answers = sum(one.measures.get("answers", 0) for one in scene.past)
    expected = answers / weeks * scene.length_weeks
    if not scene.now.get("answers", 0) and expected >= EXPECTED:
        yield _expected(scene, "source=feedback", "No feedback at all", expected)
    for cut in scene.dimensions.get("channel", ()):
        before, now = (_volume(measures.get(cut, {})) for measures in (scene.past_cuts, scene.cuts))
        expected = before / weeks * scene.length_weeks
        if not now and expected >= EXPECTED:
            channel = cut.partition("=")[2].replace("_", " ")
            yield _expected(scene, cut, f"Nothing at all from the channel {channel}", expected)


def _expected(scene: Scene, cause: str, what: str, expected: float) -> Candidate:
    return _candidate(
        scene,
        cause=cause,
        statement=f"{what} came in; by the weeks before about {words.about(expected)} were to be expected.",
        numbers={"expected": expected, "arrived": 0},
        method="nothing where at least 15 were to be expected by the weeks before",
        cut=cause if cause.startswith("channel=") else "",
    )


def _candidate(
    scene: Scene,
    *,
    cause: str,
    statement: str,
    numbers: Mapping[str, Number],
    method: str,
    cut: str = "",
) -> Candidate:
    return Candidate.rule(
        Finding(
            kind=FindingKind.SOURCE_SILENT,
            cause=cause,
            statement=statement,
            numbers=numbers,
            method=method,
            period=scene.period,
            kpi="csat" if cause == "source=feedback" else "completion-rate",
            cut=cut,
        )
    )


def _volume(measures: dict[str, int]) -> int:
    return measures.get("j.started", 0) + measures.get("e.completed", 0) + measures.get("answers", 0)
