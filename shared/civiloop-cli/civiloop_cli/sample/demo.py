"""Live events as they would come in now, one service visibly getting worse, until told to stop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from civiloop_cli.errors import CommandError
from civiloop_cli.imports.upload import FEEDBACK, JOURNEYS, Uploader
from civiloop_cli.sample.generate import day_of
from civiloop_cli.sample.profiles import PROFILES, Profile

FAILING = "parking-permit"
_TURN_S = 1.0
_WORSE_AFTER_S = 30.0


class DemoError(CommandError):
    """The demo could not go on."""

    code = "demo_failed"


@dataclass(slots=True)
class Told:
    """What one turn sent, for the line that is shown."""

    journeys: int = 0
    events: int = 0
    answers: int = 0


@dataclass(slots=True, kw_only=True)
class Demo:
    """Sends ``rate`` journeys a second; from half a minute on, payments of one service fail more and more."""

    journeys: Uploader
    feedback: Uploader
    rate: float
    seed: str
    number: int = 0

    def turn(self, elapsed_s: float) -> Told:
        """Send the journeys of one second. Raises ``DemoError`` when they are refused."""
        events: list[dict[str, Any]] = []
        answers: list[dict[str, Any]] = []
        told = Told()
        for profile in PROFILES:
            for journey, answer in self._made(_worsened(profile, elapsed_s)):
                told.journeys += 1
                events += journey
                answers += [answer] if answer else []
        _send(self.journeys, events)
        _send(self.feedback, answers)
        told.events, told.answers = len(events), len(answers)
        return told

    def _made(self, profile: Profile) -> list[tuple[list[dict[str, Any]], dict[str, Any] | None]]:
        self.number += 1
        today = datetime.now(UTC).date()
        often = replace(profile, journeys_a_day=self.rate / len(PROFILES))
        found = list(day_of(often, today, today, seed=f"{self.seed}/{self.number}"))
        return [_moved_to_now(made.journey, made.answer, f"{self.seed}/{self.number}") for made in found]


def _worsened(profile: Profile, elapsed_s: float) -> Profile:
    if profile.service != FAILING or elapsed_s < _WORSE_AFTER_S:
        return profile
    by = min(1.0, (elapsed_s - _WORSE_AFTER_S) / 60)
    return replace(
        profile,
        completion=profile.completion - 0.5 * by,
        errors=min(0.6, profile.errors + 0.4 * by),
        satisfaction=profile.satisfaction - 0.4 * by,
    )


def _moved_to_now(
    journey: list[dict[str, Any]], answer: dict[str, Any] | None, name: str
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Let a journey end now, its ids being of this run."""
    moments = [datetime.fromisoformat(event["occurred_at"]) for event in journey]
    shift = datetime.now(UTC) - moments[-1]
    oldest = datetime.now(UTC) - timedelta(days=13)
    moved = [
        {
            **event,
            "id": f"{name}/{event['id']}",
            "journey_id": f"{name}/{event['journey_id']}",
            "occurred_at": max(moment + shift, oldest).isoformat(timespec="milliseconds"),
        }
        for event, moment in zip(journey, moments, strict=True)
    ]
    if answer is not None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        answer = {**answer, "id": f"{name}/{answer['id']}", "journey_id": moved[0]["journey_id"], "occurred_at": at}
    return moved, answer


def _send(uploader: Uploader, items: list[dict[str, Any]]) -> None:
    faults = uploader.post(items) if items else []
    if faults:
        raise DemoError(
            f"{uploader.endpoint.path} refused: {faults[0].field} {faults[0].reason}",
            hints=("the demo needs the sample catalogue: civiloop sample refresh",),
        )


def run(
    feedback: tuple[str, str],
    collector: tuple[str, str],
    *,
    rate: float,
    seconds: float | None,
    show: Callable[[float, Told], None],
) -> None:
    """Stream until ``seconds`` have passed (None: for ever). ``feedback`` and ``collector`` are address and key."""
    with _client(*feedback) as to_feedback, _client(*collector) as to_collector:
        demo = Demo(
            journeys=Uploader(client=to_collector, endpoint=JOURNEYS),
            feedback=Uploader(client=to_feedback, endpoint=FEEDBACK),
            rate=rate,
            seed=f"demo-{random.SystemRandom().randrange(16**8):08x}",
        )
        begun = time.monotonic()
        while seconds is None or time.monotonic() - begun < seconds:
            turn_begun = time.monotonic()
            show(turn_begun - begun, demo.turn(turn_begun - begun))
            time.sleep(max(0.0, _TURN_S - (time.monotonic() - turn_begun)))


def _client(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30.0, trust_env=False)
