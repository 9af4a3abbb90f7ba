from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import Response

from civiloop_shared.edge import (
    EdgeRequest,
    EdgeRouter,
    csv_response,
    decode_cursor,
    encode_cursor,
    etag_response,
    html_response,
    json_response,
    negotiate,
    new_nonce,
    page_of,
)
from civiloop_shared.errors import NotAcceptableError, ValidationError
from tests.unit.civiloop_shared.edge.conftest import Town, reading


@pytest.fixture
def shop(make_town: Callable[..., Town]) -> Town:
    router = EdgeRouter()

    async def series(request: EdgeRequest) -> Response:
        if negotiate(request) == "text/csv":
            return csv_response(request, ["kpi", "value"], [["csat", 0.5]], filename="series.csv")
        return etag_response(request, {"csat": 0.5})

    for path in ("/series", "/series.csv"):
        router.get(path, policy=reading(errors=(NotAcceptableError,)))(series)

    @router.get("/page", policy=reading())
    async def page() -> Response:
        return html_response("<!doctype html>", nonce=new_nonce(), frame_ancestors="https://portal.example")

    @router.get("/plain", policy=reading())
    async def plain() -> Response:
        return json_response({"a": 1})

    return make_town(router)


def test_an_unchanged_answer_is_304(shop: Town) -> None:
    first = shop.client.get("/series")
    tag = first.headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = shop.client.get("/series", headers={"If-None-Match": header})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert shop.client.get("/series", headers={"If-None-Match": '"other"'}).status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/html, text/csv;q=0.9, */*;q=0.1", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0.2, text/csv;q=0.8", "text/csv"),
        ("*/*, application/json;q=0", "text/csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
    ],
)
def test_the_caller_chooses_the_media_type(shop: Town, accept: str, media_type: str) -> None:
    answer = shop.client.get("/series", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(media_type)
    assert "Accept" in answer.headers["vary"]


def test_the_ending_of_the_path_chooses_too(shop: Town) -> None:
    answer = shop.client.get("/series.csv", headers={"Accept": "application/json"})
    assert answer.text == "kpi,value\r\ncsat,0.5\r\n"
    assert "series.csv" in answer.headers["content-disposition"]


def test_what_nobody_offers_is_406(shop: Town) -> None:
    assert shop.client.get("/series", headers={"Accept": "image/png"}).status_code == 406


def test_only_a_page_that_says_so_can_be_framed(shop: Town) -> None:
    framed = shop.client.get("/page").headers
    assert "frame-ancestors https://portal.example" in framed["content-security-policy"]
    assert "x-frame-options" not in framed
    assert shop.client.get("/plain").headers["x-frame-options"] == "DENY"


def test_pages_follow_each_other_by_cursor() -> None:
    found = list(range(11))
    page = page_of(found, 10, lambda item: [item])
    assert list(page.items) == list(range(10))
    assert page.next is not None
    assert decode_cursor(page.next, [int]) == (9,)
    assert page_of(found[:10], 10, lambda item: [item]).next is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "%%%", "AAAA", encode_cursor(["a"]), encode_cursor([1, 2]), "é", "W" * 600]
)
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationError):
        decode_cursor(cursor, [int])
