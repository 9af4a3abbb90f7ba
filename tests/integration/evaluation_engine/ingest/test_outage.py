"""From events on Kafka to a problem: an outage of a few minutes is told within minutes of event time, and its end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.measurements import MeasurementRecorded
from civiloop_shared.contracts.topics import MEASUREMENTS
from evaluation_engine.adapters.measures import PostgresMeasureReader
from evaluation_engine.adapters.problems import PostgresProblemStore
from evaluation_engine.service.problems.burning import SETTLE_MS, Burning
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import Engine
from tests.support.ingest import Sent, event
from tests.support.ingest_worker import Stream

MINUTE = timedelta(minutes=1)
SETTLED = timedelta(milliseconds=SETTLE_MS)
CATALOGUE = """
kind: body
id: local
title: {en: Municipality}
---
kind: service
id: parking
title: {en: Parking permit}
kpis: [availability, latency-p95]
---
kind: target
id: up
service: parking
kpi: availability
at_least: 99.9
origin: service level agreement
burn_rate: {}
---
kind: target
id: quick
service: parking
kpi: latency-p95
at_most: 300
origin: service level agreement
burn_rate: {min_sample: 50}
"""


DOWN = range(65, 69)
SLOW = range(10, 65)


class UpTo(PostgresMeasureReader):
    """Complete up to an instant of event time: minutes go by as fast as the stream is read."""

    until: datetime

    async def complete_until(self) -> datetime | None:
        real = await super().complete_until()
        return None if real is None else min(real, self.until)


def said(name: str, minute: int, at: datetime, **data: Any) -> Sent:
    payload = {"service": "parking", "name": name, "occurred_at": at.isoformat(), **data}
    value = event(MeasurementRecorded.TYPE, f"{name}-{minute}", payload, body="local", recorded=at)
    return Sent(f"parking/{name}".encode(), value)


def probed(start: datetime, minute: int) -> list[Sent]:
    """What a probe sends of one minute: seconds watched and up, and how long 20 requests took."""
    at = start + minute * MINUTE + timedelta(seconds=20)
    seconds = {"kind": "duration", "unit": "s"}
    samples = [{"value": 900 if minute in SLOW else 90, "count": 20}]
    return [
        said("watched-seconds", minute, at, value=60, **seconds),
        said("up-seconds", minute, at, value=0 if minute in DOWN else 60, **seconds),
        said("latency", minute, at, kind="timing", unit="ms", samples=samples),
    ]


@pytest.mark.requirement("E5.3.2")
async def test_an_outage_opens_a_page_within_minutes_and_its_end_closes_it(stream: Stream) -> None:
    pool = stream.ingest.pool
    async with Engine(stream.infra, stream.ingest.database, stream.prefix).opened(datetime.now(UTC)) as desks:
        await apply(desks, CATALOGUE)
        yardstick = await desks.yardsticks.of("local", "parking")
    stream.start_worker()
    start = datetime.now(UTC).replace(second=0, microsecond=0) - 90 * MINUTE
    await stream.send(*(one for n in range(61) for one in probed(start, n)), topic=MEASUREMENTS.name)
    reader = UpTo(pool)
    for minute in range(61, 80):
        sent = probed(start, minute)
        await stream.send(*sent, *sent[:1], topic=MEASUREMENTS.name)
        await stream.counted(61 * 3 + (minute - 60) * 4)
        reader.until = start + (minute + 1) * MINUTE + SETTLED
        await until_known(reader)
        await Burning(reader, PostgresProblemStore(pool)).look(yardstick)  # another evaluator at every tick

    rows = await stream.ingest.query(
        "SELECT subject, opened_at, closed_at FROM evaluation.problem WHERE subject ~ 'hour$'"
    )
    found = {row["subject"]: ((row["opened_at"] - start) / MINUTE, (row["closed_at"] - start) / MINUTE) for row in rows}
    # 99.9 %: one minute of 60 is 16.7 times as fast as allowed. The short window is free of it 5 minutes after the end,
    # and the page holds for two more. 95 % within 300 ms: 52 slow minutes of 62 are 17 times as fast; with 3 of 5 slow
    # the short window is at 12 times, which is clear of the 14.4.
    assert found == {"up.hour": (66, 76), "quick.hour": (62, 69)}
    await stream.ingest.gather()
    kept = await stream.ingest.query("SELECT DISTINCT jsonb_object_keys(data::jsonb) AS name FROM evaluation.minute")
    assert {row["name"].partition(".")[2].partition(".")[0] for row in kept} == {
        "watched-seconds",
        "up-seconds",
        "latency",
    }


async def until_known(reader: UpTo) -> None:
    """Wait until every partition was read to its end once."""
    async with asyncio.timeout(20):
        while await reader.complete_until() != reader.until:
            await asyncio.sleep(0.1)
