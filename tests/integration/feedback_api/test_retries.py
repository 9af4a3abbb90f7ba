"""Submit, send again, send changed, erase, in any order: every answer is the one that the rules give."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from feedback_api.bootstrap import build_app
from tests.integration.feedback_api.conftest import Api, World, make_item, running

IDS = st.sampled_from("abc")
RATINGS = st.integers(1, 3)


class AppThread:
    """The app in a loop of its own, so that synchronous code can call it."""

    def __init__(self, world: World) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._stack = AsyncExitStack()
        self.world = world
        entering = self._stack.enter_async_context(running(build_app(world.settings()), world.keys))
        self.api: Api = self.wait(entering)
        self.wait(self.api.ready())

    def wait(self, awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, self._loop).result(30)

    def close(self) -> None:
        self.wait(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Retries(RuleBasedStateMachine):
    """A model of one client's ids against the service."""

    app: AppThread
    runs = 0

    @initialize()
    def begin(self) -> None:
        type(self).runs += 1
        self.run = type(self).runs
        self.kept: dict[str, int] = {}
        self.receipts: dict[str, str] = {}
        self.erased: set[str] = set()
        self.answered: dict[str, tuple[str, int, bytes]] = {}

    def name(self, event_id: str) -> str:
        return f"{self.run}-{event_id}"

    def submit(self, event_id: str, rating: int, **options: Any) -> httpx.Response:
        answer: httpx.Response = self.app.wait(self.app.api.submit(id=self.name(event_id), rating=rating, **options))
        return answer

    @rule(event_id=IDS, rating=RATINGS)
    def submits(self, event_id: str, rating: int) -> None:
        self.expect(self.submit(event_id, rating), event_id, rating)

    @rule(event_id=IDS, rating=RATINGS)
    def submits_twice_at_once(self, event_id: str, rating: int) -> None:
        item = make_item(id=self.name(event_id), rating=rating)

        async def both() -> list[httpx.Response]:
            return await asyncio.gather(*(self.app.api.post("/v1/feedback", item) for _ in range(2)))

        answers = self.app.wait(both())
        told = sorted(answer.json().get("status") == "duplicate" for answer in answers)
        if event_id not in self.kept and event_id not in self.erased:
            assert told == [False, True]
        for answer in sorted(answers, key=lambda answer: answer.json().get("status") == "duplicate"):
            self.expect(answer, event_id, rating)

    @rule(event_id=IDS, rating=RATINGS)
    def submits_in_a_batch(self, event_id: str, rating: int) -> None:
        items = [make_item(id=self.name(event_id), rating=rating), make_item(id=self.name(event_id), rating=rating)]
        results = self.app.wait(self.app.api.batch(items)).json()["results"]
        for result in results:
            self.expect_result(result["status"], result.get("code"), result.get("receipt"), event_id, rating)

    @rule(client_key=st.sampled_from("xy"), event_id=IDS, rating=RATINGS)
    def submits_under_a_key(self, client_key: str, event_id: str, rating: int) -> None:
        answer = self.submit(event_id, rating, headers={"Idempotency-Key": self.name(client_key)})
        before = self.answered.get(client_key)
        if before is None:
            self.expect(answer, event_id, rating)
            if answer.status_code == 202:
                self.answered[client_key] = (event_id, rating, answer.content)
        elif before[:2] == (event_id, rating):
            assert answer.content == before[2]
        else:
            assert answer.json()["code"] == "idempotency-key-reused"

    @rule(event_id=IDS)
    def erases(self, event_id: str) -> None:
        if event_id in self.receipts:
            answer = self.app.wait(self.app.api.client.delete(f"/v1/receipts/{self.receipts[event_id]}"))
            assert answer.status_code == 200
            self.erased.add(event_id)
            self.kept.pop(event_id, None)

    def expect(self, answer: httpx.Response, event_id: str, rating: int) -> None:
        document = answer.json()
        taken = answer.status_code == 202
        status = document["status"] if taken else "rejected"
        self.expect_result(status, document.get("code"), document.get("receipt"), event_id, rating)

    def expect_result(self, status: str, code: str | None, receipt: str | None, event_id: str, rating: int) -> None:
        if event_id in self.erased:
            assert (status, code) == ("rejected", "erased")
        elif event_id not in self.kept:
            assert (status, code) == ("accepted", None)
            self.kept[event_id] = rating
            self.receipts[event_id] = str(receipt)
        elif self.kept[event_id] == rating:
            assert (status, receipt) == ("duplicate", self.receipts[event_id])
        else:
            assert (status, code) == ("rejected", "id-reused")

    @invariant()
    def every_receipt_shows_what_the_model_holds(self) -> None:
        for event_id, receipt in self.receipts.items():
            shown = self.app.wait(self.app.api.client.get(f"/v1/receipts/{receipt}")).json()
            if event_id in self.erased:
                assert shown["status"] == "erased"
            else:
                assert shown["answers"]["rating"] == self.kept[event_id]


@pytest.fixture
def app_thread(world: World) -> Iterator[AppThread]:
    app = AppThread(world)
    yield app
    app.close()


@pytest.mark.requirement("B7")
def test_no_order_of_retries_changes_and_erasures_counts_twice_or_revives(app_thread: AppThread) -> None:
    machine = type("RetriesHere", (Retries,), {"app": app_thread})
    bounded = settings(max_examples=25, stateful_step_count=12, suppress_health_check=[*HealthCheck], database=None)
    run_state_machine_as_test(machine, settings=bounded)
    counts = app_thread.wait(
        app_thread.world.query("SELECT count(*) AS rows, count(DISTINCT key) AS keys FROM feedback.feedback")
    )
    assert counts[0]["rows"] == counts[0]["keys"]
