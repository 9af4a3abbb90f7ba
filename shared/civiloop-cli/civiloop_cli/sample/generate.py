"""Made-up journeys and answers: the same for the same service and day, so that sending them again changes nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from civiloop_cli.sample.comments import BAD, GOOD
from civiloop_cli.sample.profiles import AGES, Profile

SOURCE = "urn:civiloop:sample"
_HELP_CHANNELS = ("phone", "counter")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """The events of one journey, and the answer the person gave afterwards, if any."""

    journey: list[Event]
    answer: Event | None


def day_of(profile: Profile, day: date, first: date, *, seed: str = "") -> Iterator[Made]:
    """Yield what begins on a day; ``first`` is the first day of the sample, from which a service changes."""
    dice = random.Random(f"{seed}{profile.service}/{day.isoformat()}")  # noqa: S311 - made-up data, not a secret
    months = (day - first).days / 30.4
    now = _changed(profile, months)
    busy = 0.5 if day.weekday() >= 5 else 1.2
    for number in range(_poisson(dice, profile.journeys_a_day * busy)):
        yield _Journey(now, dice, day, number).make()


def _changed(profile: Profile, months: float) -> Profile:
    """Return what has become of a service by then: worse or better month by month, and broken at once."""
    completion = profile.completion + profile.decline * months
    broken = profile.breaks
    changed = replace(profile, completion=min(0.99, max(0.2, completion)))
    if broken is None or months < broken.after_months:
        return replace(changed, breaks=None)
    return replace(changed, satisfaction=profile.satisfaction + broken.satisfaction)


def until(events: Sequence[Event], end: datetime) -> list[Event]:
    """Keep what happened before ``end``."""
    return [event for event in events if datetime.fromisoformat(event["occurred_at"]) < end]


def cost_of(profile: Profile, month: date) -> Event:
    """Return what a service cost in a month."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    dice = random.Random(f"{profile.service}/{month.isoformat()}/cost")  # noqa: S311 - made-up data, not a secret
    cents = round(profile.monthly_cost_cents * dice.uniform(0.94, 1.06))
    return {
        "id": f"{profile.service}/cost/{month.isoformat()}",
        "source": SOURCE,
        "service": profile.service,
        "name": "cost",
        "kind": "cost",
        "unit": "EUR",
        "value": cents / 100,
        "period_from": _midnight(month).isoformat(),
        "period_to": _midnight(following).isoformat(),
    }


class _Journey:
    """Throws the dice of one journey."""

    def __init__(self, profile: Profile, dice: random.Random, day: date, number: int) -> None:
        self.profile = profile
        self.dice = dice
        self.id = f"sample/{profile.service}/{day.isoformat()}/{number}"
        self.at = _midnight(day) + timedelta(seconds=dice.triangular(6, 23, 11) * 3600)
        self.channel = _pick(dice, profile.channels)
        self.first_channel = self.channel
        self.language = _pick(dice, profile.languages)
        self.age = _pick(dice, AGES)
        self.assisted = self.channel == "counter" and dice.random() < 0.15
        self.events: list[Event] = []
        self.trouble = 0

    def make(self) -> Made:
        self._add("started")
        if not self._walk():
            return Made(self.events, self._answer(done=False))
        self._add("completed")
        fulfilled = self.dice.random() < self.profile.fulfilment
        hours = self.dice.lognormvariate(math.log(self.profile.hours), self.profile.spread)
        self.at += timedelta(hours=hours if fulfilled else hours * 0.6)
        self._add("fulfilled" if fulfilled else "refused")
        return Made(self.events, self._answer(done=fulfilled))

    def _walk(self) -> bool:
        """Go through the steps; False when the person gives up or may not have it."""
        profile, dice = self.profile, self.dice
        loss = (1 - profile.completion) / (len(profile.steps) + 2)
        for step in profile.steps:
            weight = 3 if step == profile.hard_step else 1
            broken = profile.breaks if step == profile.hard_step else None
            self.at += timedelta(minutes=dice.lognormvariate(1.1, 0.6))
            self._add("step", step)
            if dice.random() < profile.errors * weight / 2 + (broken.errors if broken else 0.0):
                self.trouble += 1
                self._add("error", step)
                if dice.random() < profile.help * 3:
                    self._add("help_sought", step)
            if dice.random() < loss * weight * (1 + self.trouble) + (broken.leaving if broken else 0.0):
                return self._leave(step)
        return True

    def _leave(self, step: str) -> bool:
        dice = self.dice
        if dice.random() < 0.08:
            self._add("ineligible", step)
            return False
        self.at += timedelta(hours=dice.uniform(0.2, 30))
        if dice.random() < 0.12:
            self.channel = dice.choice(_HELP_CHANNELS)
            self._add("resumed", step)
            return True
        self._add("abandoned", step)
        return False

    def _answer(self, *, done: bool) -> Event | None:
        profile, dice = self.profile, self.dice
        if dice.random() > profile.answers * (1.0 if done else 0.6):
            return None
        liked = profile.satisfaction + dict(profile.by_channel).get(self.first_channel, 0.0)
        content = liked - 0.14 * self.trouble - (0.0 if done else 0.35)
        rating = min(5, max(1, round(dice.gauss(1.6 + 3.6 * content, 0.85))))
        answer: Event = {
            "id": f"{self.id}/answer",
            "source": SOURCE,
            "service": profile.service,
            "channel": self.channel,
            "rating": rating,
            "task_done": "yes" if done else dice.choice(("partly", "no")),
            "language": self.language,
            "journey_id": self.id,
            "occurred_at": (self.at + timedelta(minutes=dice.uniform(1, 20))).isoformat(timespec="seconds"),
            "assisted_digital": self.assisted,
            "segments": {"age": self.age},
        }
        if dice.random() < 0.8:
            answer["nps"] = min(10, max(0, round(dice.gauss(rating * 2, 1.2))))
        if dice.random() < 0.7:
            answer["effort"] = min(7, max(1, round(dice.gauss(8 - rating * 1.3, 1.0))))
        if dice.random() < 0.25:
            answer["comment"] = dice.choice((GOOD if rating >= 4 else BAD)[self.language])
        if not done and "step" in self.events[-1]:
            answer["step"] = self.events[-1]["step"]
        return answer

    def _add(self, kind: str, step: str | None = None) -> None:
        event: Event = {
            "id": f"{self.id}/{len(self.events)}",
            "source": SOURCE,
            "service": self.profile.service,
            "journey_id": self.id,
            "kind": kind,
            "occurred_at": self.at.isoformat(timespec="milliseconds"),
            "channel": self.channel,
            "language": self.language,
            "assisted_digital": self.assisted,
            "segments": {"age": self.age},
        }
        if step is not None:
            event["step"] = step
        self.events.append(event)
        self.at += timedelta(seconds=1)


def _pick(dice: random.Random, weighted: Sequence[tuple[str, float]]) -> str:
    names, weights = zip(*weighted, strict=True)
    return str(dice.choices(names, weights)[0])


def _poisson(dice: random.Random, mean: float) -> int:
    """Knuth's method (The Art of Computer Programming, volume 2, 3.4.1): good for small means."""
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return count


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
