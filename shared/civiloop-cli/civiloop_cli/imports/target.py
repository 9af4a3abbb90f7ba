"""Where to post: what was given, else the environment, else the platform that runs on the data directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from civiloop_cli.imports.errors import UploadError
from civiloop_cli.runtime.data_dir import DataDir, read_json
from civiloop_cli.runtime.ports import LOOPBACK, OFFSETS
from civiloop_cli.runtime.state import read_state

KEY_VARIABLE = "CIVILOOP_KEY"


@dataclass(frozen=True, slots=True)
class Service:
    """What of the platform takes a kind of items, and the setting that gives its address."""

    name: str
    variable: str
    state_name: str


COLLECTOR = Service("metrics-collector", "CIVILOOP_COLLECTOR_URL", "collector_url")
FEEDBACK_API = Service("feedback-api", "CIVILOOP_FEEDBACK_URL", "feedback_url")


@dataclass(frozen=True, slots=True)
class Target:
    """An address and the key to use there."""

    url: str
    key: str


def find_target(service: Service, *, url: str | None, key: str | None, data_dir: Path | None) -> Target:
    """Return where to post.

    Raises:
        UploadError: no address or no key is to be found.
    """
    local = DataDir.choose(data_dir)
    address = url or os.environ.get(service.variable) or _local_address(service, local)
    if not address:
        raise UploadError(
            f"the address of the {service.name} is not known",
            hints=(f"give --url or {service.variable}", "or start a platform here: civiloop up"),
        )
    secret = key or os.environ.get(KEY_VARIABLE) or _local_key(local)
    if not secret:
        raise UploadError("no key is known", hints=(f"give --key or {KEY_VARIABLE}",))
    return Target(address.rstrip("/"), secret)


def _local_address(service: Service, local: DataDir) -> str | None:
    running = read_state(local)
    said = running.platform.get(service.state_name) if running is not None else None
    if isinstance(said, str):
        return said
    base = local.remembered_base()
    return None if base is None else f"http://{LOOPBACK}:{base + OFFSETS[service.name]}"


def _local_key(local: DataDir) -> str | None:
    key = read_json(local.secrets).get("admin_key")
    return key if isinstance(key, str) else None
