"""Kafka frozen, killed, back: the answer is quick, memory bounded, and nothing needs a restart."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.support.platform import Infra

from .conftest import NAME, Collector, event

# Two seconds of ours, and some for two busy cores.
QUICK_S = 3.0
COMES_BACK_S = 30.0


@pytest.fixture
def broker(infra: Infra, collector: Collector) -> Iterator[Infra]:
    """The broker, whole again afterwards and known to be by the collector."""
    yield infra
    infra.resume("kafka")
    infra.start("kafka")
    until_accepted(collector)


def timed_post(collector: Collector) -> tuple[httpx.Response, float]:
    started = time.monotonic()
    answer = collector.post_events(event())
    return answer, time.monotonic() - started


def until_accepted(collector: Collector) -> str:
    """Send the same event, as a client does, until it is taken."""
    sent = event()
    deadline = time.monotonic() + COMES_BACK_S
    while time.monotonic() < deadline:
        if collector.post_events(sent).status_code == 202:
            return str(sent["id"])
        time.sleep(0.2)
    raise AssertionError(f"nothing is taken {COMES_BACK_S:g} s after the broker is back")


@pytest.mark.requirement("B7")
def test_a_frozen_broker_gives_503_quickly_and_everything_comes_back(collector: Collector, broker: Infra) -> None:
    assert collector.post_events(event()).status_code == 202
    pid = collector.processes.pid(NAME)
    broker.suspend("kafka")
    for _ in range(6):
        answer, took = timed_post(collector)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert took < QUICK_S
    assert "kafka" in collector.client.get("/readyz").json()["missing"]
    broker.resume("kafka")
    assert until_accepted(collector) in collector.ids()
    assert collector.processes.pid(NAME) == pid


@pytest.mark.requirement("B7")
def test_a_killed_broker_gives_503_quickly_and_everything_comes_back(collector: Collector, broker: Infra) -> None:
    pid = collector.processes.pid(NAME)
    broker.kill("kafka")
    for _ in range(4):
        answer, took = timed_post(collector)
        assert answer.status_code == 503
        assert took < QUICK_S
    broker.start("kafka")
    assert until_accepted(collector) in collector.ids()
    assert collector.processes.pid(NAME) == pid


def test_a_body_is_not_waited_for_when_nothing_can_be_taken(collector: Collector, broker: Infra) -> None:
    broker.kill("kafka")
    until_refused_at_once(collector)
    head = (
        "POST /v1/journeys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {collector.keys['city']}\r\nContent-Length: 1000000\r\n\r\n"
    )
    address = (collector.client.base_url.host, collector.client.base_url.port)
    with socket.create_connection(address, timeout=QUICK_S) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 503")


def until_refused_at_once(collector: Collector) -> None:
    """Wait until the collector knows that the broker is gone."""
    deadline = time.monotonic() + 10
    while "kafka" not in collector.client.get("/readyz").json()["missing"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.requirement("B14")
def test_memory_stays_bounded_while_the_broker_is_frozen(collector: Collector, broker: Infra) -> None:
    pid = collector.processes.pid(NAME)
    assert pid is not None
    batch = {"events": [event(step="x" * 100) for _ in range(1_000)]}
    assert collector.post(json=batch).status_code == 202
    before = psutil.Process(pid).memory_info().rss
    broker.suspend("kafka")
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.status_code for answer in pool.map(lambda _: collector.post(json=batch), range(64))]
    grown = psutil.Process(pid).memory_info().rss - before
    assert set(answers) == {503}
    assert grown < 64 * 2**20
    broker.resume("kafka")
    until_accepted(collector)
    assert collector.metric("civiloop_produce_bytes_in_flight") < 2**21


def test_a_collector_that_starts_without_kafka_is_alive_but_not_ready(collector: Collector, broker: Infra) -> None:
    broker.kill("kafka")
    collector.processes.stop(NAME)
    collector.processes.start(NAME, wait=False)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if collector.client.get("/healthz").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    missing = collector.client.get("/readyz").json()["missing"]
    assert {"catalogue", "kafka"} <= missing.keys()
    assert collector.post_events(event()).status_code == 503
    broker.start("kafka")
    collector.processes.wait_ready(NAME)
    until_accepted(collector)


def test_it_stops_in_order_and_what_was_accepted_is_there(collector: Collector) -> None:
    sent = secrets.token_hex(8)
    assert collector.post_events(event(sent)).status_code == 202
    assert collector.processes.stop(NAME)
    assert sent in collector.ids()
    collector.processes.start(NAME)
