"""The one connection that feedback is written on; made anew whenever it was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from civiloop_shared.errors import CiviloopError
from civiloop_shared.postgres.engine import ConnectionOptions, check_server, connect
from civiloop_shared.postgres.errors import translate_errors

if TYPE_CHECKING:
    from asyncpg import Connection

OPTIONS = ConnectionOptions(
    application="feedback-api writer",
    connect_s=1.5,
    command_s=1.8,
    statement_s=1.8,
    lock_s=1.5,
    idle_in_transaction_s=5.0,
    transaction_s=5.0,
    unread_s=5.0,
)
"""All of it fits into the two seconds after which a client is told to come again."""


class WriteConnection:
    """Lends its connection to one task at a time (there is only one, the group commit)."""

    def __init__(self, database_url: str, options: ConnectionOptions = OPTIONS) -> None:
        self._database_url = database_url
        self._options = options
        self._connection: Connection[Any] | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection[Any]]:
        """Lend the connection. After an error of the connection or a time-out it is given up, whatever its state.

        Raises ``UnavailableError`` or ``DeadlineExceededError``: what was under way may or may not have been done.
        """
        try:
            with translate_errors():
                yield await self._open()
        except CiviloopError:
            self._give_up()
            raise

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            with translate_errors():
                await connection.close(timeout=2.0)

    async def _open(self) -> Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._database_url, self._options)
            await check_server(self._connection)
        return self._connection

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
