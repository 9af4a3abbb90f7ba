from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.unit.civiloop_shared.edge.conftest import CAP, Asker, Town

MEBIBYTE = bytes(1024 * 1024)


def chunks_of(size: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * size


def json_headers(town: Town, **more: str) -> dict[str, str]:
    return {**town.auth, "Content-Type": "application/json", **more}


async def test_an_announced_10_mb_body_is_refused_before_a_byte_of_it_is_read(town: Town, asker: Asker) -> None:
    headers = json_headers(town, **{"Content-Length": str(10 * 1024 * 1024)})
    answer = await asker.post("/v1/feedback", [MEBIBYTE] * 10, headers)
    assert answer.status == 413
    assert answer.chunks_read == 0
    assert answer.headers["connection"] == "close"


async def test_a_chunked_body_is_cut_as_soon_as_it_passes_the_cap(town: Town, asker: Asker) -> None:
    headers = json_headers(town, **{"Transfer-Encoding": "chunked"})
    answer = await asker.post("/v1/feedback", chunks_of(1024, 10_000), headers)
    assert answer.status == 413
    assert answer.chunks_read == CAP // 1024 + 1
    assert b'"code":"too-large"' in answer.body


async def test_a_body_longer_than_announced_is_cut_too(town: Town, asker: Asker) -> None:
    answer = await asker.post("/v1/feedback", chunks_of(1024, 100), json_headers(town, **{"Content-Length": "10"}))
    assert answer.status == 413


async def test_a_body_in_many_chunks_within_the_cap_is_taken(town: Town, asker: Asker) -> None:
    body = b'{"service": "permits", "rating": 4}'
    answer = await asker.post(
        "/v1/feedback",
        [body[i : i + 3] for i in range(0, len(body), 3)],
        json_headers(town, **{"Transfer-Encoding": "chunked"}),
    )
    assert answer.status == 202, answer.body


@pytest.mark.parametrize("length", ["-1", "abc", "1_0", "9" * 40])
async def test_a_nonsense_length_is_refused(town: Town, asker: Asker, length: str) -> None:
    answer = await asker.post("/v1/feedback", [b"{}"], json_headers(town, **{"Content-Length": length}))
    assert answer.status in (400, 413)


async def test_a_route_without_body_takes_none(town: Town, asker: Asker) -> None:
    town_asker = Asker(town.app)
    answer = await town_asker.post("/healthz", [b"x"], {"Content-Length": "1"})
    assert answer.status == 405
    assert town.client.request("GET", "/healthz", content=b"x").status_code == 413


async def test_an_unknown_key_is_refused_before_the_body_is_read(town: Town, asker: Asker) -> None:
    headers = {"Authorization": "Bearer civ_unknown0_" + "A" * 43, "Content-Type": "application/json"}
    answer = await asker.post("/v1/feedback", [b"{}"], {**headers, "Content-Length": "2"})
    assert (answer.status, answer.chunks_read) == (401, 0)


async def test_bodies_beyond_the_budget_of_the_process_are_shed_before_they_are_read(
    make_town: Callable[..., Town],
) -> None:
    town = make_town(max_body_bytes_in_flight=1024 * 1024)
    town.app.state.edge.budget.reserve(1024 * 1024 - 10)
    asker = Asker(town.app)
    answer = await asker.post("/v1/feedback", [b"x" * 2000], json_headers(town, **{"Content-Length": "2000"}))
    assert (answer.status, answer.chunks_read) == (503, 0)
    assert int(answer.headers["retry-after"]) >= 1


async def test_the_budget_is_given_back_whatever_happens(town: Town, asker: Asker) -> None:
    good = b'{"service": "permits", "rating": 4}'
    length = {"Content-Length": str(len(good))}
    await asker.post("/v1/feedback", [good], json_headers(town, **length))
    await asker.post("/v1/feedback", [b"nonsense"], json_headers(town))
    await asker.post("/v1/feedback", [b"nonsense"], json_headers(town, **{"Content-Length": "8"}))
    await asker.post("/v1/feedback", chunks_of(1024, 10), json_headers(town, **{"Content-Length": "4000"}))
    await asker.post("/v1/feedback", [good], {**town.auth, "Content-Type": "text/plain", **length})
    assert town.app.state.edge.budget.held == 0
