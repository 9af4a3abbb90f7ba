"""Events for measurements: each with an id of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson

SERVICE = "bench-service"
CATALOGUE = """\
kind: body
id: local
title: {en: Measurements}
---
kind: service
id: bench-service
title: {en: Bench service}
zone: Europe/Athens
languages: [en, el]
channels: [web, app, phone, counter]
steps: [identify, details, submit]
segments:
  age: [18-34, 35-64, 65-plus]
---
kind: target
id: bench-csat
service: bench-service
kpi: csat
at_least: 70
origin: a measurement
"""
_CHANNELS = ("web", "app", "phone", "counter")
_AGES = ("18-34", "35-64", "65-plus")
_KINDS = ("started", "step", "step", "completed", "fulfilled")
_numbers = itertools.count()


def feedback(service: str = SERVICE) -> dict[str, object]:
    """Return an answer set as a portal sends it."""
    number = next(_numbers)
    return {
        "id": f"bench-{number}",
        "service": service,
        "channel": _CHANNELS[number % 4],
        "rating": number % 5 + 1,
        "nps": number % 11,
        "task_done": "yes",
        "comment": "It was clear, but the upload failed once.",
        "language": "en",
        "step": "details",
        "segments": {"age": _AGES[number % 3]},
    }


def journey(run: str, service: str = SERVICE) -> list[dict[str, object]]:
    """Return the five events of a journey that began up to a day ago."""
    number = next(_numbers)
    began = datetime.now(UTC) - timedelta(seconds=number % 86_400 + 600)
    shared = {
        "service": service,
        "journey_id": f"{run}-{number}",
        "channel": _CHANNELS[number % 4],
        "language": "en",
        "segments": {"age": _AGES[number % 3]},
    }
    return [
        {
            **shared,
            "id": f"{run}-{number}-{place}",
            "kind": kind,
            "occurred_at": (began + timedelta(seconds=60 * place)).isoformat(timespec="milliseconds"),
            **({"step": ("identify", "details")[place - 1]} if kind == "step" else {}),
        }
        for place, kind in enumerate(_KINDS)
    ]


def journey_batches(run: str, batches: int, services: Sequence[str] = (SERVICE,)) -> list[bytes]:
    """Return bodies of 1,000 events each, with journeys of the services in turn."""
    turns = itertools.cycle(services)
    return [
        orjson.dumps({"events": [event for _ in range(200) for event in journey(run, next(turns))]})
        for _ in range(batches)
    ]
