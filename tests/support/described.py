"""Services for tests on a running platform: added to the catalogue, without touching what others put there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from civiloop_cli.platform import Platform

SERVICE = """
kind: service
id: {id}
title: {{en: {id}}}
zone: UTC
channels: [web, phone, counter]
digital_channels: [web]
"""


def describe(addresses: Platform, service_id: str) -> None:
    """Add a service to the catalogue, unless it is there."""
    with client(addresses.engine_url, addresses) as engine:
        known = {one["id"] for one in engine.get("/v1/catalogue").raise_for_status().json()["documents"]}
        if service_id in known:
            return
        files = [{"path": f"{service_id}.yaml", "text": SERVICE.format(id=service_id)}]
        engine.post("/v1/catalogue/apply", json={"files": files, "keep_missing": True}).raise_for_status()


def client(url: str, addresses: Platform) -> httpx.Client:
    """Return a client with the admin key."""
    headers = {"Authorization": f"Bearer {addresses.admin_key}"}
    return httpx.Client(base_url=url, headers=headers, timeout=15, trust_env=False)


def eventually(ask: Callable[[], Any], good: Callable[[Any], bool], within_s: float = 20) -> Any:
    """Ask until the answer is good, and return it."""
    deadline = time.monotonic() + within_s
    while not good(found := ask()):
        assert time.monotonic() < deadline, f"still: {found}"
        time.sleep(0.2)
    return found
