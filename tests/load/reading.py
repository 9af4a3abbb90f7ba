"""From 202 to visible in the scorecard; the scorecard's latency, small and large; memory of every process."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import statistics
import time
from collections.abc import Sequence

import httpx
import psutil

from tests.load import stream
from tests.load.driver import drive, post
from tests.load.events import SERVICE, feedback, journey_batches
from tests.load.report import Figure, Ratio
from tests.load.stage import Stage

_VISIBLE_S = 30.0


def measure_visible(stage: Stage, *, trials: int) -> list[Figure]:
    """Return how long it takes from the 202 of a feedback until the live scorecard counts it, in seconds."""
    times = times_to_visible(stage, trials=trials)
    return [
        Figure("202 to visible in the scorecard, p50", statistics.median(times), "s"),
        Figure("202 to visible in the scorecard, p99", times[int(len(times) * 0.99)], "s", at_most=2.0),
    ]


def times_to_visible(stage: Stage, *, trials: int, services: Sequence[str] = (SERVICE,)) -> list[float]:
    """Return how long each feedback takes, in seconds, the shortest first; feedback is to the services in turn."""
    times = []
    addresses, turns = stage.platform.addresses, itertools.cycle(services)
    with stage.client(addresses.feedback_url) as intake, stage.client(addresses.reporting_url) as reporting:
        for service in itertools.islice(turns, trials):
            before = _answers(reporting, service)
            intake.post("/v1/feedback", json=feedback(service)).raise_for_status()
            accepted = time.perf_counter()
            while _answers(reporting, service) <= before:
                assert time.perf_counter() - accepted < _VISIBLE_S, "the feedback does not show"
                time.sleep(0.01)
            times.append(time.perf_counter() - accepted)
            time.sleep(secrets.randbelow(200) / 1_000)
    return sorted(times)


def _answers(reporting: httpx.Client, service: str) -> int:
    answer = reporting.get(f"/v1/services/{service}/scorecard")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return 0
    results = answer.raise_for_status().json()["results"]
    return next((int(result["n"]) for result in results if result["kpi"] == "csat"), 0)


def measure_growth(stage: Stage, *, events: int, rounds: int) -> list[Ratio]:
    """Return the scorecard's latency after ``events`` more events over the one before; it must not grow."""
    small_live, small_computed = _latencies(stage, rounds)
    asyncio.run(_fill(stage, events))
    large_live, large_computed = _latencies(stage, rounds)
    name = f"after {events:,} more events / before"
    return [
        Ratio(f"live scorecard, {name}", large_live, small_live, "ms", at_most=1.5),
        Ratio(f"computed month, {name}", large_computed, small_computed, "ms", at_most=1.5),
    ]


async def _fill(stage: Stage, events: int) -> None:
    url = stage.platform.addresses.collector_url
    for at in range(0, events, 50_000):
        bodies = journey_batches(f"fill-{at}-{secrets.token_hex(4)}", min(50, (events - at) // 1_000))
        outcome = await drive(url, [post(url, "/v1/journeys", body, key=stage.key) for body in bodies], connections=4)
        assert outcome.refused == 0, f"{outcome.refused} refused: {outcome.first_refusal[:400]!r}"
    await stream.wait_counted(stage)


def _latencies(stage: Stage, rounds: int) -> tuple[list[float], list[float]]:
    now = time.gmtime()
    month = f"{now.tm_year}-{now.tm_mon:02}"
    with stage.client(stage.platform.addresses.reporting_url) as reporting:
        return _medians(reporting, "live", rounds), _medians(reporting, month, rounds)


def _medians(reporting: httpx.Client, period: str, rounds: int) -> list[float]:
    found = []
    for _ in range(rounds):
        times = []
        for _ in range(20):
            started = time.perf_counter()
            reporting.get(f"/v1/services/{SERVICE}/scorecard", params={"period": period}).raise_for_status()
            times.append((time.perf_counter() - started) * 1_000)
        found.append(statistics.median(times))
    return found


def memory(stage: Stage) -> list[Figure]:
    """Return the resident memory of every process, what it started included."""
    figures = []
    for processes in (stage.platform.infra, stage.platform):
        for name in processes.names:
            pid = processes.pid(name)
            if pid is not None:
                figures.append(Figure(f"memory of {name}", _resident(psutil.Process(pid)) / 2**20, "MiB"))
    return figures


def _resident(process: psutil.Process) -> int:
    """Unique memory where the system tells it: processes of PostgreSQL share theirs."""
    family = [process, *process.children(recursive=True)]
    return sum(getattr(one.memory_full_info(), "uss", one.memory_info().rss) for one in family)
