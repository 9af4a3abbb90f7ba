"""A body of many services with thirty KPIs in use each, and what people do there: journeys and answers day by day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

from evaluation_engine.domain.buckets import calendar
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.contribution.answers import Answer
from evaluation_engine.domain.journey import JourneyEvent
from evaluation_engine.ports.catalogue import StoredCatalogue
from evaluation_engine.service.catalogue.documents import MODELS, to_json
from evaluation_engine.service.catalogue.reading import SourceFile, read_files
from evaluation_engine.service.evaluate.yardstick import Yardstick, yardsticks

SERVICES = 200
KPIS = 30
BODY = "local"
ZONE = "Europe/Athens"
CHANNELS = ("web", "app", "phone", "counter")
STEPS = ("identify", "details", "submit")
AGES = ("18-34", "35-64", "65-plus")
LANGUAGES = ("en", "el")
_THEMES = ("payment", "login", "documents", "waiting", "information", "staff", "technical")
_DAY_MS = 86_400_000
_RICH = {
    "packs": ["core", "govuk", "gc"],
    "kpis": [
        *("ces", "response-rate", "equity-gap-satisfaction", "equity-gap-completion", "within-promise"),
        *("error-rate", "repeat-contact", "channel-switch-rate", "assisted-share"),
    ],
    "promised_days": 5,
}


def name_of(number: int) -> str:
    """Id of a service."""
    return f"estate-{number:03}"


def catalogue(services: int, *, rich: bool) -> str:
    """Return a catalogue; rich services use thirty KPIs, six targets and a benchmark, others the core and a target."""
    documents: list[dict[str, Any]] = [{"kind": "body", "id": BODY, "title": {"en": "Measurements"}}]
    names = [name_of(number) for number in range(services)]
    for name in names:
        documents.append(_service(name) | (_RICH if rich else {}))
        documents += _targets(name)[: 6 if rich else 1]
    if rich:
        documents.append(_benchmark(names))
    return "---\n".join(json.dumps(one) + "\n" for one in documents)


def measured_by(text: str) -> dict[str, Yardstick]:
    """Return what the services of a catalogue are measured by."""
    located, faults = read_files([SourceFile("estate.yaml", text)])
    assert not faults, faults
    read = [MODELS[one.data["kind"]].model_validate(one.data) for one in located]
    return yardsticks(BODY, StoredCatalogue(1, {(one.kind, one.id): to_json(one) for one in read}))


def _service(name: str) -> dict[str, Any]:
    return {
        "kind": "service",
        "id": name,
        "title": {"en": name},
        "zone": ZONE,
        "languages": list(LANGUAGES),
        "channels": list(CHANNELS),
        "steps": list(STEPS),
        "segments": {"age": list(AGES)},
    }


def _targets(service: str) -> list[dict[str, Any]]:
    wanted: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
        ("csat", "at_least", 70, {}),
        ("completion-rate", "at_least", 75, {"channel": "web"}),
        ("mtcf-p90", "at_most", 20, {}),
        ("csat", "at_least", 65, {"segment": {"age": "65-plus"}}),
        ("error-rate", "at_most", 30, {}),
        ("gc-task-success", "at_least", 80, {"language": "el"}),
    )
    return [
        {
            "kind": "target",
            "id": f"{service}-{number}",
            "service": service,
            "kpi": kpi,
            side: value,
            "scope": scope,
            "origin": "a measurement",
        }
        for number, (kpi, side, value, scope) in enumerate(wanted)
    ]


def _benchmark(services: list[str]) -> dict[str, Any]:
    limits = {"csat": "breach_below", "completion-rate": "breach_below", "error-rate": "breach_above"}
    return {
        "kind": "benchmark",
        "id": "estate",
        "services": services,
        "title": {"en": "All services"},
        "source": "a measurement",
        "criteria": [
            {"id": kpi, "kpi": kpi, "critical": True, "redesign": {side: 50}, "source": "a measurement"}
            for kpi, side in limits.items()
        ],
    }


def journeys_of(service: str, day: date, many: int, random: Random) -> Iterator[list[JourneyEvent]]:
    """Yield the events of journeys that begin on a local day, each list in order."""
    begin = calendar(ZONE).start_of(day)
    for _ in range(many):
        at = begin + random.randrange(_DAY_MS)
        channel = random.choices(CHANNELS, (5, 3, 1, 1))[0]
        about: dict[str, Any] = {
            "language": random.choice(LANGUAGES),
            "assisted": channel == "counter",
            "segments": (("age", random.choice(AGES)),),
        }
        kinds: list[tuple[str, int, str | None]] = [("started", 0, None), ("step", 60_000, "identify")]
        if random.random() < 0.9:
            kinds.append(("step", 120_000, "details"))
        if random.random() < 0.2:
            kinds.append(("error", 150_000, random.choice(STEPS)))
        if random.random() < 0.1:
            kinds.append(("help_sought", 160_000, None))
        kinds += _ending(random)
        yield [
            JourneyEvent(random.randbytes(16), 0, kind, at + after, service, channel, step, **about)
            for kind, after, step in kinds
        ]


def _ending(random: Random) -> list[tuple[str, int, str | None]]:
    luck = random.random()
    if luck > 0.8:
        return [("abandoned", 300_000, random.choice(STEPS))] if luck > 0.9 else []
    done = 200_000 + random.randrange(600_000)
    decided = done + round(random.lognormvariate(19.0, 0.8))
    return [("completed", done, None), ("fulfilled" if luck < 0.75 else "refused", decided, None)]


def answers_of(service: str, day: date, many: int, random: Random) -> Iterator[tuple[Answer, CommentRecord | None]]:
    """Yield the answers of a local day; every third one with a comment about one or two themes."""
    begin = calendar(ZONE).start_of(day)
    for number in range(many):
        rating = random.choices((1, 2, 3, 4, 5), (1, 1, 2, 4, 5))[0]
        language = random.choice(LANGUAGES)
        answer = Answer(
            service=service,
            at_ms=begin + random.randrange(_DAY_MS),
            channel=random.choices(CHANNELS, (5, 3, 1, 1))[0],
            language=language,
            step=random.choice(STEPS),
            segments=(("age", random.choice(AGES)),),
            rating=rating,
            nps=random.randrange(11),
            effort=random.randrange(1, 6),
            task=random.choice(("yes", "yes", "yes", "no")),
            questions=(("gc-ease", random.randrange(1, 6)), ("gc-satisfaction", rating), ("gc-task", "yes")),
        )
        about = tuple(random.sample(_THEMES, random.randrange(1, 3)))
        yield answer, CommentRecord(language, False, about, {}, "made up") if number % 3 == 0 else None
