"""The platform that is measured, with its catalogue in force, and reference processes beside it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from civiloop_cli.runtime.ports import Ports
from civiloop_cli.runtime.services import service_specs
from tests.load.events import CATALOGUE, SERVICE
from tests.support.platform import RunningPlatform

_READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A running platform that knows the service of the measurements."""

    platform: RunningPlatform

    @property
    def key(self) -> str:
        """A key that may do everything."""
        return self.platform.admin_key

    def client(self, url: str) -> httpx.Client:
        """Return a client of a service."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False)

    def apply_catalogue(self, text: str = CATALOGUE, service: str = SERVICE) -> None:
        """Bring a catalogue into force and wait until the ingest services know its service."""
        with self.client(self.platform.addresses.engine_url) as engine:
            files = [{"path": "bench.yaml", "text": text}]
            engine.post("/v1/catalogue/apply", json={"files": files}).raise_for_status()
        probe = {"events": [{"id": secrets.token_hex(8), "service": service, "journey_id": "probe", "kind": "step"}]}
        deadline = time.monotonic() + _READY_S
        with self.client(self.platform.addresses.collector_url) as collector:
            while "not a service" in collector.post("/v1/journeys", json=probe, params={"dry_run": 1}).text:
                assert time.monotonic() < deadline, "the collector does not hear of the catalogue"
                time.sleep(0.1)


@contextmanager
def reference(stage: Stage, kind: str) -> Iterator[str]:
    """Run a reference process (see ``storageless``) for the block and yield its address."""
    port = Ports.free()["reporting"]
    spec = next(one for one in service_specs(stage.platform.wiring) if one.name == "feedback-api")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.storageless", kind, str(port)],
        env={**os.environ, **spec.env, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        _await_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=1.0, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the reference does not start"
            time.sleep(0.1)
        else:
            return
