"""Settings that all services share, and the one way to load them: all faults at once, never a value."""

from __future__ import annotations

import json
import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

Network = IPv4Network | IPv6Network
S = TypeVar("S", bound="CommonSettings")


def _database_url(value: str) -> str:
    if urlsplit(value).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must start with postgresql://")
    return value


def _bootstrap_servers(value: str) -> str:
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("must be a comma list of host:port")
    return value


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
"""``postgresql://user:password@host:port/database`` or with ``?host=/socket/directory``."""

BootstrapServers = Annotated[str, AfterValidator(_bootstrap_servers)]
"""A comma list of ``host:port``."""


class LimitSetting(BaseModel):
    """How fast a class of requests may come: ``per_second`` on average, ``burst`` at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_second: float = Field(gt=0)
    burst: int = Field(ge=1)


class CommonSettings(BaseSettings):
    """What every service reads from its environment. Subclasses make the two addresses required where needed."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="CIVILOOP_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: DatabaseUrl | None = Field(default=None, validation_alias="DATABASE_URL", repr=False)
    kafka_bootstrap_servers: BootstrapServers | None = Field(default=None, validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=1, le=65_535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    topic_prefix: str = Field(default="", pattern=r"^[a-zA-Z0-9._-]{0,64}$")
    replication_factor: int = Field(default=1, ge=1, le=9)
    limits: Annotated[dict[str, LimitSetting], NoDecode] = Field(default_factory=dict)
    max_body_bytes_in_flight: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    max_requests_in_flight: int = Field(default=2_000, ge=1)
    drain_seconds: float = Field(default=1.0, ge=0, le=300)
    stop_seconds: float = Field(default=20.0, ge=0, le=300)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
            except ValueError:
                raise ValueError("must be a comma list of networks such as 10.0.0.0/8") from None
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
            if not all(part == "*" or urlsplit(part).scheme in {"http", "https"} for part in value):
                raise ValueError("must be a comma list of origins such as https://portal.example")
        return value

    @field_validator("limits", mode="before")
    @classmethod
    def _limits(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                raise ValueError('must be JSON such as {"read": {"per_second": 100, "burst": 200}}') from None
        return value


def settings_faults(error: ValidationError) -> list[str]:
    """Return one line per fault: environment name and reason, never the value."""
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        reason = fault["msg"].removeprefix("Value error, ")
        given = str(fault["input"])
        if given and given in reason:
            reason = "is not valid"
        first, *inner = [str(part) for part in fault["loc"]] or ["settings"]
        lines.append(": ".join([_environment_name(first), *([".".join(inner)] if inner else []), reason]))
    return lines


def _environment_name(name: str) -> str:
    return name if name.isupper() else f"CIVILOOP_{name.upper()}"


def load_settings(settings_type: type[S]) -> S:
    """Read the settings from the environment; on faults print all of them to stderr and exit with 2."""
    try:
        return settings_type()
    except ValidationError as error:
        _refuse(settings_faults(error))
    except SettingsError as error:
        _refuse([str(error)])


def _refuse(faults: list[str]) -> NoReturn:
    sys.stderr.write("These settings can't be used:\n")
    for line in faults:
        sys.stderr.write(f"  {line}\n")
    raise SystemExit(2)


def checked_only(settings_type: type[S], arguments: list[str]) -> S:
    """Load the settings; when ``--check`` is among the arguments, say that they are good and exit with 0."""
    settings = load_settings(settings_type)
    if "--check" in arguments:
        sys.stdout.write("settings are good\n")
        raise SystemExit(0)
    return settings
