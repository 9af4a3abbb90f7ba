"""Traffic as several services and channels send it: answers, and journeys whose outcome is known beforehand."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

CHANNELS = ("web", "app", "phone", "counter")
DIGITAL = frozenset({"web", "app"})
STEPS = ("identify", "details", "submit")
ZONES = ("Europe/Athens", "Asia/Tehran", "UTC")
SOURCE = "urn:test:traffic"
BODY = "local"

# Kinds of a journey in the order in which they happen; a step's name follows the colon.
SCRIPTS = (
    ("started", "step:identify", "step:details", "completed", "fulfilled"),
    ("started", "step:identify", "error:details", "step:submit", "completed", "fulfilled"),
    ("started", "step:identify", "waiting_for_citizen", "step:details", "completed", "fulfilled"),
    ("started", "step:identify", "step:details", "abandoned"),
    ("started", "step:identify", "completed", "refused"),
    ("started", "help_sought", "step:identify", "fulfilled"),
    ("started", "step:identify", "ineligible"),
    ("started", "withdrawn"),
    ("started", "step:identify"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that must be counted once: an answer, or one event of a journey, as it is posted."""

    of: Literal["feedback", "journeys"]
    document: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["id"])


@dataclass
class Traffic:
    """Makes the same pieces for the same seed, apart from the date and from ``run``, the prefix of all ids."""

    seed: int
    services: int = 3
    run: str = field(default_factory=lambda: f"r{secrets.token_hex(4)}")
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._numbers = 0

    @property
    def service_ids(self) -> list[str]:
        return [f"{self.run}-s{n}" for n in range(self.services)]

    def catalogue(self) -> str:
        """The services, each in another zone."""
        shared = (
            f"languages: [en, el]\nchannels: [{', '.join(CHANNELS)}]\n"
            f"digital_channels: [{', '.join(sorted(DIGITAL))}]\n"
            f"steps: [{', '.join(STEPS)}]\nsegments: {{age: [18-64, 65-plus]}}\n"
        )
        services = [
            f"---\nkind: service\nid: {name}\ntitle: {{en: {name}}}\nzone: {ZONES[n % len(ZONES)]}\n{shared}"
            for n, name in enumerate(self.service_ids)
        ]
        return "kind: body\nid: local\ntitle: {en: Tests}\n" + "".join(services)

    def pieces(self, feedback: int, events: int) -> list[Piece]:
        """So many answers, and whole journeys up to so many events, everything in an order of its own."""
        made = [self.answer() for _ in range(feedback)]
        journeys = self._events()
        made += [next(journeys) for _ in range(events)]
        self.random.shuffle(made)
        return made

    def answer(self) -> Piece:
        """An answer set; every question is left out at times."""
        rnd = self.random
        said: dict[str, Any] = {
            "rating": rnd.randint(1, 5),
            "nps": rnd.choice([None, *range(11)]),
            "effort": rnd.choice([None, *range(1, 8)]),
            "task_done": rnd.choice([None, "yes", "partly", "no"]),
            "step": rnd.choice([None, *STEPS]),
            "comment": rnd.choice([None, "It was clear, but the upload failed once."]),
        }
        shared = {
            "channel": rnd.choice(CHANNELS),
            "language": rnd.choice(("en", "el")),
            "segments": {"age": rnd.choice(("18-64", "65-plus"))},
            "occurred_at": _text(self._some_time()),
        }
        named = self._named(rnd.choice(self.service_ids), "f")
        return Piece("feedback", {**named, **shared, **{name: one for name, one in said.items() if one is not None}})

    def journey(self) -> list[Piece]:
        """The events of one journey, which may go on on another channel; the last ones of an open one never come."""
        rnd = self.random
        self._numbers += 1
        service, at = rnd.choice(self.service_ids), self._some_time()
        first, last = rnd.choice(CHANNELS), rnd.choice(CHANNELS)
        script = rnd.choice(SCRIPTS)
        shared: dict[str, Any] = {
            "journey_id": f"{self.run}-j{self._numbers}",
            "language": rnd.choice(("en", "el")),
            "segments": {"age": rnd.choice(("18-64", "65-plus"))},
            **({"assisted_digital": True} if rnd.random() < 0.1 else {}),
        }
        made = []
        for place, word in enumerate(script):
            kind, _, step = word.partition(":")
            at += timedelta(milliseconds=rnd.randint(1_000, 900_000))
            event = {**self._named(service, "e"), **shared, "kind": kind, "occurred_at": _text(at)}
            event["channel"] = first if place < len(script) // 2 else last
            made.append(Piece("journeys", {**event, **({"step": step} if step else {})}))
        return made

    def _events(self) -> Iterator[Piece]:
        while True:
            yield from self.journey()

    def _named(self, service: str, what: str) -> dict[str, Any]:
        self._numbers += 1
        return {"id": f"{self.run}-{what}{self._numbers}", "source": SOURCE, "service": service}

    def _some_time(self) -> datetime:
        """Within the last nine days, so long ago that a journey that begins then has ended."""
        return self.now - timedelta(hours=3) - timedelta(milliseconds=self.random.randrange(9 * 86_400_000))


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
