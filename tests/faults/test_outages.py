"""One dependency is away for a while: what can go on goes on, the rest says so at once, nothing is restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx
import pytest

from tests.support.ledger import ClientLedger
from tests.support.traffic import Piece, Traffic

from .conftest import WORKERS, Ground, tell, until

AWAY_S = 12.0
QUICK_S = 2.5
"""Two seconds are promised; two busy cores get half of one more."""
SERVICES = ("evaluation-engine", "engine-worker", "feedback-api", "metrics-collector", "reporting")


@dataclass
class Client:
    """Posts one piece at a time and watches how long the answers take."""

    ground: Ground
    traffic: Traffic
    ledger: ClientLedger = field(default_factory=ClientLedger)
    refused: list[Piece] = field(default_factory=list)
    slowest_s: float = 0.0

    async def post(self, piece: Piece) -> httpx.Response:
        addresses = self.ground.platform.addresses
        self.ledger.note_sent([piece])
        begun = time.monotonic()
        if piece.of == "feedback":
            async with self.ground.client(addresses.feedback_url) as client:
                answer = await client.post("/v1/feedback", json=piece.document)
        else:
            async with self.ground.client(addresses.collector_url) as client:
                answer = await client.post("/v1/journeys", json={"events": [piece.document]})
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        if answer.status_code == 202:
            self.ledger.note_acknowledged([piece])
        else:
            self.refused.append(piece)
        return answer

    async def answered(self) -> None:
        answer = await self.post(self.traffic.answer())
        assert answer.status_code == 202, answer.text

    async def events_taken(self) -> None:
        for piece in self.traffic.journey():
            answer = await self.post(piece)
            assert answer.status_code == 202, answer.text

    async def refused_kindly(self, piece: Piece) -> None:
        answer = await self.post(piece)
        assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"

    async def retry_refused(self, timeout_s: float = 40.0) -> None:
        """Send again what was refused, with the same ids, until it is taken."""
        for piece in list(self.refused):
            await until(lambda piece=piece: self._is_taken(piece), timeout_s)  # type: ignore[misc]

    async def _is_taken(self, piece: Piece) -> bool:
        return (await self.post(piece)).status_code == 202


async def during(seconds: float, act: Callable[[], object]) -> None:
    """Act again and again for so long, at least twice."""
    until_, rounds = time.monotonic() + seconds, 0
    while rounds < 2 or time.monotonic() < until_:
        await act()  # type: ignore[misc]
        rounds += 1
        await asyncio.sleep(0.3)


def pids(ground: Ground, names: Iterable[str] = SERVICES) -> list[int | None]:
    return [ground.platform.pid(name) for name in names]


async def quickly_refused(ground: Ground, url: str, path: str) -> None:
    async with ground.client(url) as client:
        begun = time.monotonic()
        answer = await client.get(path)
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert int(answer.headers["retry-after"]) >= 1
    assert time.monotonic() - begun < QUICK_S


@pytest.mark.requirement("B7", "B14")
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_without_kafka_feedback_is_taken_and_journeys_are_told_to_come_again(ground: Ground, how: str) -> None:
    client = Client(ground, await ground.traffic())
    before = pids(ground)
    if how == "killed":
        await ground.kill("kafka")
    else:
        ground.infra.suspend("kafka")
    await client.refused_kindly(client.traffic.journey()[0])

    async def act() -> None:
        await client.answered()
        await client.refused_kindly(client.traffic.journey()[0])

    await during(AWAY_S, act)
    tell(f"slowest answer {client.slowest_s:.2f} s")
    assert client.slowest_s < QUICK_S
    ground.infra.resume("kafka")
    await ground.start("kafka")
    await client.retry_refused()
    counted = ground.counted(client.traffic)
    await counted.demand_exactly_once(client.ledger)
    await counted.demand_balance()
    assert pids(ground) == before


async def shows_all(ground: Ground, client: Client, service: str) -> bool:
    """Whether the live scorecard has every rating that was ever taken in."""
    mine = [piece.document for piece in client.ledger.sent.values() if piece.document["service"] == service]
    async with ground.client(ground.platform.addresses.reporting_url) as reporting:
        answer = await reporting.get(f"/v1/services/{service}/scorecard", params={"period": "live"})
    found = {one["kpi"]: one["n"] for one in answer.json().get("results", ())}
    return found.get("csat") == sum("rating" in document for document in mine)


@pytest.mark.requirement("B7", "B14")
async def test_without_postgresql_journeys_are_taken_and_the_rest_comes_back_by_itself(ground: Ground) -> None:
    client = Client(ground, await ground.traffic())
    addresses, service = ground.platform.addresses, client.traffic.service_ids[0]
    before = pids(ground)
    await client.answered()
    await client.events_taken()
    await ground.kill("postgres")

    async def act() -> None:
        await client.refused_kindly(client.traffic.answer())
        await client.events_taken()
        await quickly_refused(ground, addresses.reporting_url, f"/v1/services/{service}/scorecard")
        await quickly_refused(ground, addresses.engine_url, f"/v1/services/{service}/scorecard")

    await during(AWAY_S / 2, act)
    tell(f"slowest answer {client.slowest_s:.2f} s")
    assert client.slowest_s < QUICK_S
    await ground.start("postgres")
    await client.retry_refused()
    counted = ground.counted(client.traffic)
    await counted.demand_exactly_once(client.ledger)
    await counted.demand_balance()
    await until(lambda: shows_all(ground, client, service), 20)
    assert pids(ground) == before


@pytest.mark.requirement("B7", "B14")
async def test_without_the_engine_intake_goes_on_and_what_is_published_stays_readable(ground: Ground) -> None:
    client = Client(ground, await ground.traffic())
    addresses, service = ground.platform.addresses, client.traffic.service_ids[0]
    counted = ground.counted(client.traffic)

    async def shown() -> bool:
        async with ground.client(addresses.reporting_url) as reporting:
            return (await reporting.get(f"/v1/services/{service}/scorecard")).status_code == 200

    await until(shown, 20)
    for name in ("evaluation-engine", *WORKERS):
        await ground.kill(name)

    async def act() -> None:
        await client.answered()
        await client.events_taken()
        assert await shown()
        await quickly_refused(ground, addresses.reporting_url, f"/v1/services/{service}/kpis/csat/series")

    await during(3.0, act)
    for name in ("evaluation-engine", *WORKERS):
        await ground.start(name, wait=False)
    await counted.demand_exactly_once(client.ledger)


@pytest.mark.requirement("B7", "B14")
async def test_feedback_api_starts_and_takes_feedback_while_kafka_is_down(ground: Ground) -> None:
    client = Client(ground, await ground.traffic())
    await client.answered()
    await ground.stop("feedback-api")
    await ground.kill("kafka")
    await ground.start("feedback-api")
    for _ in range(5):
        await client.answered()
    await ground.start("kafka")
    await ground.counted(client.traffic).demand_exactly_once(client.ledger)


@pytest.mark.requirement("B12", "B14", "B22")
async def test_a_revoked_key_is_refused_everywhere_within_two_seconds(ground: Ground) -> None:
    traffic = await ground.traffic()
    addresses, service = ground.platform.addresses, traffic.service_ids[0]
    async with ground.client(addresses.engine_url) as admin:
        order = {"label": "portal", "scopes": ["feedback:write", "telemetry:write", "read"]}
        made = (await admin.post("/v1/keys", json=order)).json()

        async def codes() -> set[int]:
            event = traffic.journey()[0].document
            asked = (
                ("POST", addresses.feedback_url, "/v1/feedback", traffic.answer().document),
                ("POST", addresses.collector_url, "/v1/journeys?dry_run=1", {"events": [event]}),
                ("GET", addresses.engine_url, f"/v1/services/{service}/scorecard", None),
                ("GET", addresses.reporting_url, "/v1/services", None),
            )
            return {await status(*one) for one in asked}

        async def status(method: str, url: str, path: str, document: object) -> int:
            async with ground.client(url, key=made["key"]) as client:
                return (await client.request(method, path, json=document)).status_code

        async def good_everywhere() -> bool:
            return max(await codes()) < 300

        async def refused_everywhere() -> bool:
            return await codes() == {401}

        await until(good_everywhere, 10)
        assert (await admin.delete(f"/v1/keys/{made['id']}")).status_code in (200, 204)
        took = await until(refused_everywhere, 10)
    tell(f"refused everywhere after {took:.2f} s")
    assert took < 2.0
