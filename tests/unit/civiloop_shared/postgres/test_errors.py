"""What the errors of PostgreSQL mean to us."""

import asyncpg
import pytest

from civiloop_shared.errors import DeadlineExceededError, UnavailableError
from civiloop_shared.postgres.errors import is_connection_lost, is_transient, translate_errors


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("40P01"),
        asyncpg.SerializationError("40001"),
        asyncpg.AdminShutdownError("57P01"),
        asyncpg.CannotConnectNowError("57P03"),
        asyncpg.TooManyConnectionsError("53300"),
        asyncpg.LockNotAvailableError("55P03"),
        asyncpg.ConnectionDoesNotExistError("08003"),
        ConnectionRefusedError(),
    ],
)
def test_what_may_succeed_later_is_unavailable(error: Exception) -> None:
    assert is_transient(error)
    with pytest.raises(UnavailableError), translate_errors():
        raise error


def test_a_defect_stays_what_it_is() -> None:
    with pytest.raises(asyncpg.UndefinedTableError), translate_errors():
        raise asyncpg.UndefinedTableError("no such table")


@pytest.mark.parametrize("error", [TimeoutError(), asyncpg.QueryCanceledError("57014")])
def test_a_statement_that_took_too_long_exceeded_its_deadline(error: Exception) -> None:
    with pytest.raises(DeadlineExceededError), translate_errors():
        raise error


def test_a_deadlock_does_not_mean_that_the_connection_is_gone() -> None:
    assert not is_connection_lost(asyncpg.DeadlockDetectedError("40P01"))
    assert is_connection_lost(asyncpg.AdminShutdownError("57P01"))
