"""What the end-to-end tests share: two bodies on the platform of the session, and a way to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.platform import RunningPlatform
from tests.support.two_bodies import Stored, TwoBodies, counted, settle_two_bodies

CANARY = "xq7canary"
"""Stands wherever a person could have written something; no answer may repeat it."""


@pytest.fixture(scope="session")
def bodies(platform: RunningPlatform) -> Iterator[TwoBodies]:
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        yield settle_two_bodies(platform, client)


@pytest.fixture(scope="session")
def stored(bodies: TwoBodies) -> Iterator[Stored]:
    with counted(bodies.platform) as counts:
        yield counts


@dataclass(frozen=True)
class Refused:
    """Sends what must be refused, and checks that nothing was kept of it."""

    bodies: TwoBodies
    stored: Stored

    def __call__(
        self, service: str, method: str, path: str, status: int, code: str, *fields: str, **options: Any
    ) -> httpx.Response:
        """Demand a problem document of this status and code that names these fields, and that nothing was stored."""
        before = self.stored.take()
        answer = self.bodies.call(service, method, path, **options)
        assert_problem(answer, status, code, *fields)
        assert self.stored.take() == before, "something was stored"
        return answer


@pytest.fixture
def refused(bodies: TwoBodies, stored: Stored) -> Refused:
    return Refused(bodies, stored)


def assert_problem(answer: httpx.Response, status: int, code: str, *fields: str) -> None:
    """Demand a problem document (RFC 9457) that helps its reader and repeats nothing."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    document = answer.json()
    assert (document["status"], document["code"], document["type"]) == (status, code, f"/problems/{code}"), document
    assert document["title"]
    assert len(document["trace_id"]) == 32
    assert all(fault["field"] and fault["reason"] for fault in document["errors"])
    named = {fault["field"] for fault in document["errors"]}
    assert named >= set(fields), f"{document['errors']} does not name {fields}"
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
