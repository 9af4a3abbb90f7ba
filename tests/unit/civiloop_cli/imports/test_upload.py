"""Batches get in once the platform takes them, and faults come back with their items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from civiloop_cli.imports.errors import UploadError
from civiloop_cli.imports.upload import FEEDBACK, JOURNEYS, Endpoint, ItemFault, Uploader

Answer = Callable[[httpx.Request], httpx.Response]
ITEMS: list[dict[str, Any]] = [{"id": "a"}, {"id": "b"}]


class Line:
    """A network with scripted answers."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def uploader(self, endpoint: Endpoint = JOURNEYS, **options: Any) -> Uploader:
        client = httpx.Client(base_url="http://platform", transport=httpx.MockTransport(self))
        return Uploader(client=client, endpoint=endpoint, sleep=self.slept.append, **options)


def taken() -> httpx.Response:
    return httpx.Response(202, json={"accepted": 2, "rejected": 0, "results": []})


def test_items_go_in_one_batch_with_what_was_observed() -> None:
    line = Line(taken())
    assert line.uploader(observed_until="2012-01-23T00:00:00Z").post(ITEMS) == []
    assert line.requests[0].url == "http://platform/v1/journeys?strict=1"
    assert orjson.loads(line.requests[0].content) == {"events": ITEMS, "observed_until": "2012-01-23T00:00:00Z"}


def test_a_busy_platform_is_asked_again_after_the_time_it_names() -> None:
    line = Line(
        httpx.Response(503, headers={"retry-after": "7"}), httpx.Response(429), httpx.ReadTimeout("slow"), taken()
    )
    assert line.uploader().post(ITEMS) == []
    assert line.slept == [7.0, 1.0, 2.0]
    assert len({request.content for request in line.requests}) == 1


def test_patience_ends_and_says_that_nothing_is_counted_twice() -> None:
    line = Line(*[httpx.Response(503, headers={"retry-after": "30"})] * 3)
    with pytest.raises(UploadError, match="took nothing for 10 s") as caught:
        line.uploader(patience_s=10).post(ITEMS)
    assert "not counted twice" in caught.value.hints[0]


def test_refused_items_come_back_with_their_faults() -> None:
    results = [{"index": 1, "id": "b", "status": "rejected", "errors": [{"field": "service", "reason": "is unknown"}]}]
    line = Line(httpx.Response(422, json={"title": "x", "results": results}))
    assert line.uploader().post(ITEMS) == [ItemFault(1, "service", "is unknown")]


def test_an_answer_that_contradicts_an_earlier_one_is_a_fault_of_its_id() -> None:
    results = [
        {"index": 0, "status": "duplicate", "id": "a", "receipt": "r"},
        {"index": 1, "status": "rejected", "code": "conflict", "errors": []},
    ]
    line = Line(httpx.Response(202, json={"results": results}))
    assert line.uploader(FEEDBACK).post(ITEMS) == [ItemFault(1, "id", "was taken before with other answers")]


@pytest.mark.parametrize(
    ("status", "told"), [(401, "the key is not valid"), (403, "may not do this"), (404, "right service")]
)
def test_a_refusal_of_us_ends_the_import(status: int, told: str) -> None:
    with pytest.raises(UploadError, match=told):
        Line(httpx.Response(status)).uploader().post(ITEMS)


def test_a_refusal_that_names_no_item_ends_the_import() -> None:
    problem = {"title": "x", "errors": [{"field": "observed_until", "reason": "is in the future"}]}
    with pytest.raises(UploadError, match="observed_until is in the future"):
        Line(httpx.Response(422, json=problem)).uploader().post(ITEMS)


def test_a_batch_that_is_too_large_is_halved() -> None:
    results = [{"index": 0, "id": "b", "status": "rejected", "errors": [{"field": "x", "reason": "y"}]}]
    line = Line(httpx.Response(413), httpx.Response(422, json={"results": results}), taken())
    assert line.uploader().post(ITEMS) == [ItemFault(1, "x", "y")]


def test_a_dry_run_asks_the_collector_and_never_posts_feedback() -> None:
    line = Line(httpx.Response(200, json={"results": []}))
    assert line.uploader(dry_run=True).post(ITEMS) == []
    assert "dry_run=1" in str(line.requests[0].url)
    faults = line.uploader(FEEDBACK, dry_run=True).post(
        [{"id": "a", "service": "permit", "channel": "web", "occurred_at": "2026-01-01T00:00:00Z", "rating": 9}]
    )
    assert [(fault.index, fault.field) for fault in faults] == [(0, "rating")]
    assert len(line.requests) == 1
