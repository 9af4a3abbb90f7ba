"""How long an Idempotency-Key stands for its first request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from asyncpg import Connection

from feedback_api.adapters.feedback_store import PostgresFeedbackStore
from feedback_api.adapters.read_pool import ReadPool
from feedback_api.adapters.remembered_store import PostgresRememberedStore
from feedback_api.adapters.write_connection import WriteConnection
from feedback_api.bootstrap import build_app
from feedback_api.ports import Claim, Remembered
from feedback_api.service.remembering import LetAnswersGo
from tests.integration.feedback_api.conftest import Api, World, running

OLD = "SET created_at = now() - $2::interval WHERE client_key = $1"


async def ask(api: Api, client_key: str, rating: int = 4) -> tuple[int, bytes]:
    answer = await api.submit(rating=rating, headers={"Idempotency-Key": client_key})
    return answer.status_code, answer.content


async def keys(world: World) -> list[str]:
    return [row[0] for row in await world.query("SELECT client_key FROM feedback.idempotency ORDER BY 1")]


async def test_a_key_stands_for_its_first_request_for_14_days_and_is_free_then(world: World) -> None:
    async with running(build_app(world.settings()), world.keys) as api:
        await api.ready()
        first = {name: await ask(api, name) for name in ("just-gone", "not-yet", "today")}
        for name, age in (("just-gone", timedelta(days=14, minutes=1)), ("not-yet", timedelta(days=13, hours=23))):
            await world.query(f"UPDATE feedback.idempotency {OLD}", name, age)
    async with running(build_app(world.settings()), world.keys) as api:
        await api.ready()
        async with asyncio.timeout(10):
            while await keys(world) != ["not-yet", "today"]:
                await asyncio.sleep(0.05)
        assert await ask(api, "not-yet") == first["not-yet"]
        assert await ask(api, "today") == first["today"]
        assert (await ask(api, "not-yet", rating=1))[0] == 409
        assert (await ask(api, "just-gone", rating=1))[0] == 202
        assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 4


async def test_however_many_are_past_their_time_all_of_them_go(world: World) -> None:
    await world.query(
        "INSERT INTO feedback.idempotency SELECT 'city', 'key', n::text, '', '', now() - n * interval '5 minutes'"
        " FROM generate_series(1, 10000) AS n"
    )
    pool = ReadPool(world.feedback_url)
    try:
        go = LetAnswersGo(PostgresRememberedStore(pool), lambda: datetime.now(UTC))
        assert await go.let_go() == 10_000 - 14 * 24 * 12 + 1
        assert await go.let_go() == 0
    finally:
        await pool.close()
    assert len(await keys(world)) == 14 * 24 * 12 - 1


class _ForgottenMeanwhile(WriteConnection):
    """Lends a connection on which the first claim that is taken is let go before its answer is looked up."""

    def __init__(self, world: World) -> None:
        super().__init__(world.feedback_url)
        self._world = world
        self.looks = 0

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection[Any]]:
        async with super().use() as connection:
            yield cast("Connection[Any]", _Looked(self, connection))

    async def looked(self) -> None:
        self.looks += 1
        if self.looks == 1:
            await self._world.query("DELETE FROM feedback.idempotency")


class _Looked:
    def __init__(self, owner: _ForgottenMeanwhile, connection: Connection[Any]) -> None:
        self._owner = owner
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, statement: str, *arguments: Any) -> Any:
        found = await self._connection.fetch(statement, *arguments)
        await self._owner.looked()
        return found


async def test_a_key_let_go_while_it_is_asked_for_is_claimed_anew(world: World) -> None:
    await world.query("INSERT INTO feedback.idempotency VALUES ('city', 'key', 'mine', 'hash', 'before')")
    store = PostgresFeedbackStore(_ForgottenMeanwhile(world))
    await store.start()
    try:
        assert await store.append((), Claim("city", "key", "mine", b"hash", lambda _: b"now")) == ()
        again = await store.append((), Claim("city", "key", "mine", b"hash", lambda _: b"later"))
    finally:
        await store.stop()
    assert again == Remembered(b"hash", b"now")
