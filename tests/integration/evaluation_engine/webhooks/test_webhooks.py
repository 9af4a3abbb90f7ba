"""Webhooks: subscribed to, signed, tried again, stopped; secrets shown once and sealed at rest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.observability import new_registry
from evaluation_engine.adapters.duty import DutyMetrics, PostgresProblemCount
from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.domain.webhook import DELAYS, WebhookEvent
from evaluation_engine.errors import UnknownWebhookError
from evaluation_engine.service.duty import ShowDuty
from evaluation_engine.service.webhooks.desk import WebhookOrder
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Client, Engine, days, until

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@dataclass
class Receiver:
    """Answers with the statuses it is told, then 204; keeps what it got."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if self.statuses else 204
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[Receiver]:
    made = Receiver(statuses=list(statuses))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


def verified(secret: str, headers: dict[str, str], payload: bytes) -> bool:
    """What a receiver does, by the specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + payload
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return wanted in headers["webhook-signature"].split(" ")


async def subscribe(client: Client, url: str, **options: Any) -> dict[str, Any]:
    answer = await client.call("POST", "/v1/webhooks", {"url": url, "events": ["evaluation.recorded"], **options})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def evaluated(client: Client, engine: Engine) -> None:
    await engine.count({"rating.5": 200}, date(2026, 10, 5))
    answer = await client.call("POST", "/v1/services/parking/evaluations", {"period": "2026-10"})
    assert answer.status_code == 201, answer.text


async def test_a_stored_evaluation_is_told_signed_to_who_subscribed(engine: Engine) -> None:
    async with receiver() as hook, engine.running(webhook_key=KEY, webhooks_to_private=True) as client:
        await client.apply(SERVICE)
        made = await subscribe(client, hook.url)
        await subscribe(client, hook.url + "/other", services=["other"])
        await evaluated(client, engine)
        await until(lambda: _count(hook, 1))
        listed = (await client.get("/v1/webhooks"))["webhooks"]
        gone = await client.call("DELETE", f"/v1/webhooks/{made['id']}")
        again = await client.call("DELETE", f"/v1/webhooks/{made['id']}")
    ((headers, payload),) = hook.got
    assert verified(made["secret"], headers, payload)
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    told = json.loads(payload)
    assert told["type"] == "evaluation.recorded"
    assert (told["data"]["service"], told["data"]["number"], told["data"]["revision"]) == ("parking", 1, 1)
    assert "cuts" not in told["data"]
    assert all("secret" not in one for one in listed)
    assert (gone.status_code, again.status_code) == (204, 404)


async def test_a_secret_is_sealed_at_rest_and_two_keys_sign_while_rotating(engine: Engine) -> None:
    async with receiver() as hook, engine.running(webhook_key=KEY, webhooks_to_private=True) as client:
        await client.apply(SERVICE)
        first = await subscribe(client, hook.url)
        stored = (await engine.query("SELECT secrets::text FROM evaluation.webhook"))[0]["secrets"]
        assert first["secret"] not in stored
        assert base64.b64encode(first["secret"].encode()).decode() not in stored
        second = (await client.call("POST", f"/v1/webhooks/{first['id']}/rotate")).json()
        assert second["old_secret_until"] is not None
        await evaluated(client, engine)
        await until(lambda: _count(hook, 1))
    ((headers, payload),) = hook.got
    assert first["secret"] != second["secret"]
    assert verified(first["secret"], headers, payload)
    assert verified(second["secret"], headers, payload)


async def test_a_test_message_is_sent_once_and_told_at_once(engine: Engine) -> None:
    async with receiver(204, 500) as hook, engine.running(webhook_key=KEY, webhooks_to_private=True) as client:
        made = await subscribe(client, hook.url)
        arrived, failed = [(await client.call("POST", f"/v1/webhooks/{made['id']}/test")).json() for _ in range(2)]
        unknown = await client.call("POST", f"/v1/webhooks/wh_{'0' * 20}/test")
        (known,) = (await client.get("/v1/webhooks"))["webhooks"]
    assert arrived == {"delivered": True, "status": 204, "error": None}
    assert failed == {"delivered": False, "status": 500, "error": "answered 500"}
    assert unknown.status_code == 404
    (headers, payload), _ = hook.got
    assert verified(made["secret"], headers, payload)
    assert json.loads(payload)["type"] == "webhook.test"
    assert (known["waiting"], known["disabled_at"]) == (0, None), "a test is not tried again"


async def test_how_messages_stand_is_shown_to_their_body(engine: Engine) -> None:
    async with receiver(500) as hook, waiting(engine, hook) as desks:
        assert desks.webhooks.delivering is not None
        await desks.webhooks.delivering.round()
        (known,) = await desks.webhooks.desk.list("local")
        (shown,) = await desks.webhooks.desk.deliveries(known.webhook.id, "local")
        with pytest.raises(UnknownWebhookError):
            await desks.webhooks.desk.deliveries(known.webhook.id, "another")
    assert (shown.event, shown.attempts, shown.error) == ("evaluation.recorded", 1, "answered 500")
    assert (shown.delivered_at, shown.next_attempt_at) == (None, NOW + DELAYS[0])


async def test_what_waits_and_what_is_open_is_shown_with_its_age(engine: Engine) -> None:
    registry = new_registry()
    async with receiver(500, 410) as hook, waiting(engine, hook) as desks:
        await engine.query(
            "INSERT INTO evaluation.problem (service_id, body_id, kind, subject, severity, opened_at, opened, latest)"
            " SELECT 'parking', 'local', 'burn', n::text, CASE WHEN n > 1 THEN 'page' ELSE 'ticket' END,"
            " now() - n * interval '1 hour', '{}', '{}' FROM generate_series(1, 3) n"
        )
        await engine.query("UPDATE evaluation.problem SET closed_at = now() WHERE subject = '3'")
        store = desks.webhooks.desk.store
        duty = ShowDuty(PostgresProblemCount(store._pool), store, DutyMetrics(registry))  # type: ignore[attr-defined]

        async def shown() -> list[float | None]:
            await duty.refresh()
            names = ("waiting", "failing")
            return [registry.get_sample_value(f"civiloop_webhook_{one}") for one in names]

        assert desks.webhooks.delivering is not None
        assert await shown() == [1, 0]
        await desks.webhooks.delivering.round()
        assert await shown() == [1, 1]
        assert (registry.get_sample_value("civiloop_webhook_age_seconds") or 0) > 0
        await engine.query("UPDATE evaluation.webhook_delivery SET next_attempt_at = $1", NOW)
        await desks.webhooks.delivering.round()
        assert await shown() == [0, 0], "what waits for a stopped webhook waits for nobody"
        assert registry.get_sample_value("civiloop_webhooks_stopped") == 1
    at = {"service": "parking", "severity": "page"}
    assert registry.get_sample_value("civiloop_open_problems", at) == 1
    assert registry.get_sample_value("civiloop_open_problem_age_seconds", at) == pytest.approx(7200, abs=60)
    assert registry.get_sample_value("civiloop_open_problems", at | {"severity": "ticket"}) == 1


async def test_private_addresses_are_called_only_where_that_is_allowed(engine: Engine) -> None:
    async with receiver() as hook:
        async with engine.running(webhook_key=KEY) as client:
            await client.apply(SERVICE)
            http = await client.call("POST", "/v1/webhooks", {"url": hook.url, "events": ["evaluation.recorded"]})
            await subscribe(client, hook.url.replace("http:", "https:"))
            await evaluated(client, engine)

            async def refused() -> bool:
                (known,) = (await client.get("/v1/webhooks"))["webhooks"]
                return known["last_error"] is not None and "this machine itself" in known["last_error"]

            await until(refused)
        assert hook.got == []
    assert http.status_code == 422
    assert "https" in http.text


async def test_without_a_key_there_are_no_webhooks(engine: Engine) -> None:
    async with engine.running() as client:
        order = {"url": "https://hooks.example.org/", "events": ["evaluation.recorded"]}
        answer = await client.call("POST", "/v1/webhooks", order)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "webhooks-off")
        assert (await client.get("/v1/webhooks")) == {"webhooks": []}


@asynccontextmanager
async def waiting(engine: Engine, hook: Receiver, now: datetime = NOW) -> AsyncIterator[Desks]:
    """The use cases at a time that stands still, with one message for the hook."""
    async with engine.opened(now, webhook_key=KEY, webhooks_to_private=True) as desks:
        await apply(desks, SERVICE)
        await desks.webhooks.desk.create(WebhookOrder("local", hook.url, (WebhookEvent.EVALUATION_RECORDED,)))
        await engine.count({"rating.5": 200}, *days(date(2026, 10, 5), 1))
        await desks.scorecards.evaluate("local", "parking", "2026-10")
        await engine.query("UPDATE evaluation.webhook_delivery SET next_attempt_at = $1", NOW)
        yield desks


async def test_a_failed_delivery_is_tried_again_with_the_same_id_and_then_the_webhook_is_stopped(
    engine: Engine,
) -> None:
    async with receiver(*[500] * 10) as hook:
        async with waiting(engine, hook):
            pass
        now = NOW
        for wait in (*DELAYS, timedelta()):
            async with engine.opened(now, webhook_key=KEY, webhooks_to_private=True) as desks:
                assert desks.webhooks.delivering is not None
                assert await desks.webhooks.delivering.round() == 1
                assert await desks.webhooks.delivering.round() == 0
            now += wait
        (known,) = await engine.query("SELECT id, disabled_because FROM evaluation.webhook")
        assert len(hook.got) == 10
        assert len({headers["webhook-id"] for headers, _ in hook.got}) == 1
        assert known["disabled_because"] == "10 attempts failed, the last one: answered 500"
        async with engine.opened(now, webhook_key=KEY, webhooks_to_private=True) as desks:
            assert desks.webhooks.delivering is not None
            assert await desks.webhooks.delivering.round() == 0
            await desks.webhooks.desk.enable(known["id"], "local")
            assert await desks.webhooks.delivering.round() == 1
        assert len(hook.got) == 11


async def test_an_address_that_says_it_is_gone_is_stopped_at_once(engine: Engine) -> None:
    async with receiver(410) as hook, waiting(engine, hook) as desks:
        assert desks.webhooks.delivering is not None
        await desks.webhooks.delivering.round()
        (known,) = await desks.webhooks.desk.list("local")
    assert known.webhook.disabled_at == NOW
    assert len(hook.got) == 1


async def test_a_redirect_is_a_failure(engine: Engine) -> None:
    async with receiver(302) as hook, waiting(engine, hook) as desks:
        assert desks.webhooks.delivering is not None
        await desks.webhooks.delivering.round()
        (known,) = await desks.webhooks.desk.list("local")
    assert (known.last_error, known.waiting, known.delivered_at) == ("answered 302", 1, None)


async def test_two_who_deliver_share_the_work(engine: Engine) -> None:
    async with (
        receiver() as hook,
        waiting(engine, hook) as one,
        engine.opened(NOW, webhook_key=KEY, webhooks_to_private=True) as other,
    ):
        assert one.webhooks.delivering is not None
        assert other.webhooks.delivering is not None
        tried = await asyncio.gather(one.webhooks.delivering.round(), other.webhooks.delivering.round())
    assert sum(tried) == len(hook.got) == 1


@pytest.mark.parametrize("url", ["https://u:p@hooks.example.org/", "ftp://hooks.example.org/", "https:///x", "no"])
async def test_an_address_that_can_not_be_called_is_refused(engine: Engine, url: str) -> None:
    async with engine.running(webhook_key=KEY) as client:
        answer = await client.call("POST", "/v1/webhooks", {"url": url, "events": ["problem.opened"]})
    assert answer.status_code == 422


async def _count(hook: Receiver, number: int) -> bool:
    return len(hook.got) >= number
