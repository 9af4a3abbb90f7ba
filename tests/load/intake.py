"""Feedback: single and batch, against the same without storage and against an empty endpoint."""

from __future__ import annotations

import asyncio

import orjson

from tests.load.driver import Outcome, drive, post
from tests.load.events import feedback
from tests.load.report import Ratio
from tests.load.stage import Stage, reference

_CONNECTIONS = 64
_BATCH = 200


def measure(stage: Stage, *, rounds: int, requests: int) -> list[Ratio]:
    """Return the ratios of single and batched feedback."""
    ours, bare, empty = [], [], []
    batch_ours, batch_bare = [], []
    address = stage.platform.addresses.feedback_url
    with reference(stage, "feedback") as storageless, reference(stage, "empty") as nothing:
        _singles(storageless, stage.key, 500)
        _singles(address, stage.key, 500)
        for _ in range(rounds):
            bare.append(_singles(storageless, stage.key, requests))
            ours.append(_singles(address, stage.key, requests))
            empty.append(_empties(nothing, requests))
            batch_bare.append(_batches(storageless, stage.key, max(10, requests // 100)))
            batch_ours.append(_batches(address, stage.key, max(10, requests // 100)))
    return [
        Ratio("feedback single / same without storage", ours, bare, "requests/s", expected=0.35),
        Ratio("feedback single / empty FastAPI endpoint", ours, empty, "requests/s"),
        Ratio(f"feedback batch of {_BATCH} / same without storage", batch_ours, batch_bare, "requests/s"),
    ]


def _singles(url: str, key: str, count: int) -> float:
    requests = [post(url, "/v1/feedback", orjson.dumps(feedback()), key=key) for _ in range(count)]
    return _per_second(asyncio.run(drive(url, requests, connections=_CONNECTIONS)))


def _batches(url: str, key: str, count: int) -> float:
    bodies = [orjson.dumps({"items": [feedback() for _ in range(_BATCH)]}) for _ in range(count)]
    requests = [post(url, "/v1/feedback/batch", body, key=key) for body in bodies]
    return _per_second(asyncio.run(drive(url, requests, connections=4)))


def _empties(url: str, count: int) -> float:
    body = orjson.dumps(feedback())
    return _per_second(asyncio.run(drive(url, [post(url, "/empty", body)] * count, connections=_CONNECTIONS)))


def _per_second(outcome: Outcome) -> float:
    assert outcome.refused == 0, f"{outcome.refused} refused: {outcome.first_refusal[:400]!r}"
    return outcome.per_second
