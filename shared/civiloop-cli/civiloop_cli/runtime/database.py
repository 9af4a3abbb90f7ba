"""The database, its roles and its schemas, on the embedded server or on one that runs elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from civiloop_cli.errors import StartError
from civiloop_cli.runtime.local_secrets import LocalSecrets

DATABASE = "civiloop"
CONNECT_TIMEOUT_S = 5.0
FEEDBACK, EVALUATION, REPORTING = "civiloop_feedback", "civiloop_evaluation", "civiloop_reporting"

# Schema owners may create in the database because `CREATE SCHEMA IF NOT EXISTS` asks for the right even when it exists.
LAYOUT = """
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO civiloop_feedback, civiloop_evaluation, civiloop_reporting;
GRANT CREATE ON DATABASE {database} TO civiloop_feedback, civiloop_evaluation;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS feedback AUTHORIZATION civiloop_feedback;
CREATE SCHEMA IF NOT EXISTS evaluation AUTHORIZATION civiloop_evaluation;
CREATE SCHEMA IF NOT EXISTS reporting_v1 AUTHORIZATION civiloop_evaluation;
GRANT USAGE ON SCHEMA reporting_v1 TO civiloop_reporting;
ALTER DEFAULT PRIVILEGES FOR ROLE civiloop_evaluation IN SCHEMA reporting_v1
    GRANT SELECT ON TABLES TO civiloop_reporting;
"""


@dataclass(frozen=True, slots=True)
class RoleUrls:
    """One URL for each role, and what could not be had."""

    feedback: str
    evaluation: str
    reporting: str
    warning: str = ""


def url_for(admin_url: str, *, user: str, password: str, database: str | None = None) -> str:
    """The same server as another role, on the same or another database."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    path = f"/{database}" if database else parts.path
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password)}@{host}", path=path))


def role_urls(admin_url: str, secrets: LocalSecrets, *, database: str | None = None) -> RoleUrls:
    """The URLs under the passwords of this installation."""
    passwords = _passwords(secrets)
    return RoleUrls(*(url_for(admin_url, user=role, password=passwords[role], database=database) for role in passwords))


def _passwords(secrets: LocalSecrets) -> dict[str, str]:
    return {
        FEEDBACK: secrets.feedback_password,
        EVALUATION: secrets.evaluation_password,
        REPORTING: secrets.reporting_password,
    }


async def provision(admin_url: str, secrets: LocalSecrets, *, database: str = DATABASE) -> RoleUrls:
    """Make roles, database and schemas on our own server; what is there already stays.

    Raises:
        StartError: the server refused.
    """
    try:
        connection = await asyncpg.connect(admin_url, timeout=CONNECT_TIMEOUT_S)
        try:
            await _make_roles(connection, secrets)
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
                await connection.execute(f'CREATE DATABASE "{database}"')
        finally:
            await connection.close()
        await _lay_out(_on(admin_url, database), database)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(f"the database could not be prepared: {error}") from error
    return role_urls(admin_url, secrets, database=database)


async def provision_external(admin_url: str, secrets: LocalSecrets) -> RoleUrls:
    """Make roles and schemas on a server that is not ours, in the database that its URL names, when permitted.

    Raises:
        StartError: the server can't be reached.
    """
    database = urlsplit(admin_url).path.lstrip("/")
    try:
        connection = await asyncpg.connect(admin_url, timeout=CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(
            f"DATABASE_URL can't be reached: {error}", hints=("start it, or unset DATABASE_URL",)
        ) from error
    await connection.close()
    urls = role_urls(admin_url, secrets)
    if await _all_connect(urls):
        return urls
    try:
        connection = await asyncpg.connect(admin_url, timeout=CONNECT_TIMEOUT_S)
        try:
            await _make_roles(connection, secrets)
        finally:
            await connection.close()
        await _lay_out(admin_url, database)
    except asyncpg.PostgresError as error:
        return _all_as_given(admin_url, f"roles could not be made there ({error}); every service uses the given one")
    if await _all_connect(urls):
        return urls
    return _all_as_given(admin_url, "its roles have other passwords; every service uses the given one")


def _all_as_given(url: str, why: str) -> RoleUrls:
    return RoleUrls(url, url, url, f"DATABASE_URL: {why}")


async def _all_connect(urls: RoleUrls) -> bool:
    try:
        for url in (urls.feedback, urls.evaluation, urls.reporting):
            await (await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)).close()
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


def _on(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _make_roles(connection: asyncpg.Connection, secrets: LocalSecrets) -> None:
    for role, password in _passwords(secrets).items():
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")  # hexadecimal, ours
            await connection.execute(f"GRANT {role} TO CURRENT_USER")


async def _lay_out(url: str, database: str) -> None:
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    try:
        await connection.execute(LAYOUT.format(database=f'"{database}"'))
    finally:
        await connection.close()
