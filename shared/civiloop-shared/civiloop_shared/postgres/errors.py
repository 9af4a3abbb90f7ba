"""What PostgreSQL's errors mean to us: try again, unknown, or a defect."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError

from civiloop_shared.errors import CiviloopError, DeadlineExceededError, UnavailableError

_DEPENDENCY = "postgresql"

_Confused = asyncpg.InternalClientError
"""What asyncpg raises when a connection is used whose server ended it in the middle of something."""

_TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "25P03", "25P04", "57P01", "57P02", "57P03", "53300", "53400"})
"""Serialisation failure, deadlock, lock timeout, idle and transaction timeout, shutdown, too many connections."""

_CUT = frozenset({"57P01", "57P02", "25P03", "25P04", "57P05"})
"""The server ended the session: at COMMIT the outcome is unknown."""


_OTHER_SCHEMA = frozenset({"42P01", "42703"})
"""No such table, no such column."""


class UnfitServerError(CiviloopError):
    """The server can't keep our promises: too old, or it forgets what it acknowledged."""

    code = "unfit-server"
    title = "This PostgreSQL server can't be used"


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of a driver's or SQLAlchemy's error."""
    for candidate in _chain(error):
        state = getattr(candidate, "sqlstate", None)
        if isinstance(state, str):
            return state
    return None


def is_connection_lost(error: BaseException) -> bool:
    """Say whether the connection is gone, or could not be made."""
    state = sqlstate_of(error)
    if state is not None:
        return state.startswith("08") or state in _CUT
    return any(isinstance(one, OSError | asyncpg.InterfaceError | _Confused | InterfaceError) for one in _chain(error))


def is_transient(error: BaseException) -> bool:
    """Say whether the same transaction may well succeed when it is tried again from its start."""
    return sqlstate_of(error) in _TRY_AGAIN or is_connection_lost(error) or isinstance(error, TimeoutError)


def is_other_schema(error: BaseException) -> bool:
    """Say whether the tables are those of another version, as in the middle of an upgrade."""
    return sqlstate_of(error) in _OTHER_SCHEMA


def translated(error: BaseException) -> CiviloopError | None:
    """Return our error for a driver's, None when it is a defect that should be seen as it is."""
    if isinstance(error, CiviloopError):
        return None
    if sqlstate_of(error) == "57014" or isinstance(error, TimeoutError | asyncio.TimeoutError):
        return DeadlineExceededError("the database took too long", dependency=_DEPENDENCY)
    if is_transient(error):
        return UnavailableError("the database can't do this now", retry_after=1.0, dependency=_DEPENDENCY)
    return None


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what the driver raises inside into our errors; defects pass unchanged."""
    try:
        yield
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, _Confused, OSError, TimeoutError) as error:
        ours = translated(error)
        if ours is None:
            raise
        raise ours from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(5):
        if current is None:
            return
        yield current
        current = getattr(current, "orig", None) or current.__cause__
