"""The services as child processes: their commands and their environment."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from civiloop_cli.runtime.child import ChildSpec
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.database import RoleUrls
from civiloop_cli.runtime.local_secrets import LocalSecrets
from civiloop_cli.runtime.ports import DATA_DIR_VARIABLE, LOOPBACK, Ports

# Whatever the caller's shell holds for one service must not reach all of them.
_OURS = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "CIVILOOP_PORT", "CIVILOOP_PORT_BASE", "PYTHONPATH", "PYTHONHOME")

SERVICES = ("evaluation-engine", "engine-worker", "feedback-api", "metrics-collector", "reporting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the services have to know to find each other."""

    data_dir: DataDir
    ports: Ports
    secrets: LocalSecrets
    urls: RoleUrls
    bootstrap_servers: str
    extra_env: Mapping[str, str] = field(default_factory=dict)

    def base_env(self) -> dict[str, str]:
        """What every one of our Python children gets."""
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        return {
            **kept,
            "CIVILOOP_HOST": kept.get("CIVILOOP_HOST", LOOPBACK),
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            DATA_DIR_VARIABLE: str(self.data_dir.root),
            "PYTHONUNBUFFERED": "1",
            **self.extra_env,
        }

    def url(self, name: str) -> str:
        """The base URL of a service on this machine."""
        return f"http://{LOOPBACK}:{self.ports[name]}"


@dataclass(frozen=True, slots=True)
class Job:
    """A command that runs once and ends."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    log: Path


def is_runnable(package: str) -> bool:
    """True when the package is installed and can be run with `python -m`; it is not imported."""
    spec = importlib.util.find_spec(package)
    return (
        any((Path(folder) / "__main__.py").exists() for folder in (spec.submodule_search_locations or []))
        if spec
        else False
    )


def service_specs(wiring: Wiring) -> list[ChildSpec]:
    """The services that are installed, in the order in which they are started."""
    feedback = {
        "DATABASE_URL": wiring.urls.feedback,
        "CIVILOOP_CONTACT_KEY": wiring.secrets.contact_key,
        "CIVILOOP_RECEIPT_SECRET": wiring.secrets.receipt_secret,
    }
    engine = {
        "DATABASE_URL": wiring.urls.evaluation,
        "CIVILOOP_BOOTSTRAP_KEY": wiring.secrets.bootstrap_record,
        "CIVILOOP_WEBHOOK_KEY": wiring.secrets.webhook_key,
    }
    worker = {"DATABASE_URL": wiring.urls.evaluation}
    reporting = {"DATABASE_URL": wiring.urls.reporting, "CIVILOOP_ENGINE_URL": wiring.url("evaluation-engine")}
    all_specs = [
        _spec(wiring, "evaluation-engine", ("evaluation_engine", "serve"), engine),
        _spec(wiring, "engine-worker", ("evaluation_engine", "work"), worker),
        _spec(wiring, "feedback-api", ("feedback_api",), feedback),
        _spec(wiring, "metrics-collector", ("metrics_collector",), {}),
        _spec(wiring, "reporting", ("reporting",), reporting),
    ]
    return [spec for spec in all_specs if is_runnable(spec.argv[2])]


def _spec(wiring: Wiring, name: str, module: tuple[str, ...], env: Mapping[str, str]) -> ChildSpec:
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-m", *module),
        env={**wiring.base_env(), **env, "CIVILOOP_PORT": str(wiring.ports[name])},
        log=wiring.data_dir.logs / f"{name}.log",
        port=wiring.ports[name],
        cwd=wiring.data_dir.root,
        ready_url=f"{wiring.url(name)}/readyz",
    )


def migrations(wiring: Wiring) -> list[Job]:
    """The migrations of the installed services, each under the role that owns the schema."""
    owners = {"feedback_api": wiring.urls.feedback, "evaluation_engine": wiring.urls.evaluation}
    return [
        _job(wiring, f"migrate-{package.replace('_', '-')}", (package, "migrate"), {"DATABASE_URL": url})
        for package, url in owners.items()
        if is_runnable(package)
    ]


def topics(wiring: Wiring) -> list[Job]:
    """Making the topics, idempotent."""
    spec = importlib.util.find_spec("civiloop_shared.kafka")
    folders = (spec.submodule_search_locations or []) if spec else []
    if not any((Path(folder) / "topics.py").exists() for folder in folders):
        return []
    return [_job(wiring, "topics", ("civiloop_shared.kafka.topics",), {})]


def _job(wiring: Wiring, name: str, module: tuple[str, ...], env: Mapping[str, str]) -> Job:
    # A migration needs its database only, but settings are checked whole.
    secrets = {
        "CIVILOOP_CONTACT_KEY": wiring.secrets.contact_key,
        "CIVILOOP_RECEIPT_SECRET": wiring.secrets.receipt_secret,
    }
    return Job(
        name,
        (sys.executable, "-m", *module),
        {**wiring.base_env(), **secrets, **env},
        wiring.data_dir.logs / f"{name}.log",
    )
