"""Sends the sample over the platform's own HTTP interface, as any portal would, and waits until it is evaluated."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import islice
from typing import Any

import httpx

from civiloop_cli.api import Api
from civiloop_cli.errors import CommandError
from civiloop_cli.imports.upload import FEEDBACK, JOURNEYS, MOST_ITEMS, Endpoint, Uploader
from civiloop_cli.ledgers import feedback_balances
from civiloop_cli.platform import Platform
from civiloop_cli.progress import Step
from civiloop_cli.runtime.data_dir import read_json
from civiloop_cli.sample.generate import cost_of, day_of, until
from civiloop_cli.sample.profiles import PROFILES, Profile

MONTHS = 6
MEASUREMENTS = Endpoint("/v1/measurements", "measurements", whole=True)
_KEPT_IN = "sample.json"
_KNOWN_WITHIN_S = 20.0
_COUNTED_WITHIN_S = 120.0
_PAUSE_S = 0.25


class SampleError(CommandError):
    """The sample could not be loaded."""

    code = "sample_failed"


@dataclass(frozen=True, slots=True)
class Window:
    """The sample reaches from the first day (inclusive) to an instant (exclusive)."""

    first: date
    end: datetime

    @classmethod
    def of(cls, platform: Platform, now: datetime) -> Window:
        """Return the window up to now: it begins where it began at the first load, half a year before that."""
        kept = read_json(platform.data_dir / _KEPT_IN).get("first")
        if isinstance(kept, str):
            return cls(date.fromisoformat(kept), now)
        month = now.year * 12 + now.month - 1 - MONTHS
        first = date(month // 12, month % 12 + 1, 1)
        (platform.data_dir / _KEPT_IN).write_text(json.dumps({"first": first.isoformat()}))
        return cls(first, now)

    def days(self) -> Iterator[date]:
        """Yield every day."""
        for number in range((self.end.date() - self.first).days + 1):
            yield self.first + timedelta(days=number)

    def months(self) -> list[date]:
        """Return the first day of every month that is over."""
        found, month = [], self.first
        while (following := date(month.year + month.month // 12, month.month % 12 + 1, 1)) <= self.end.date():
            found.append(month)
            month = following
        return found


@dataclass(slots=True)
class Sent:
    """How much was sent, and the largest number of closed months."""

    journeys: int = 0
    feedback: int = 0
    measurements: int = 0


def catalogue_files() -> list[dict[str, str]]:
    """Return the files of the sample catalogue as the engine takes them."""
    folder = files("civiloop_cli.sample") / "catalogue"
    return [
        {"path": entry.name, "text": entry.read_text(encoding="utf-8")}
        for entry in sorted(folder.iterdir(), key=lambda one: one.name)
        if entry.name.endswith(".yaml")
    ]


def send(platform: Platform, window: Window, step: Step) -> Sent:
    """Send everything in the window; what is in already changes nothing. Raises ``SampleError``."""
    total = Sent()
    with ThreadPoolExecutor(2) as pool:
        for done, sent in enumerate(pool.map(lambda profile: _send_one(platform, window, profile), PROFILES), 1):
            total.journeys += sent.journeys
            total.feedback += sent.feedback
            total.measurements += sent.measurements
            step.advance(done, len(PROFILES))
    return total


def _send_one(platform: Platform, window: Window, profile: Profile) -> Sent:
    events: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for day in window.days():
        for made in day_of(profile, day, window.first):
            events += until(made.journey, window.end)
            answers += until([made.answer] if made.answer else [], window.end)
    costs = [cost_of(profile, month) for month in window.months()]
    _post(platform.collector_url, platform.admin_key, JOURNEYS, events, window)
    _post(platform.feedback_url, platform.admin_key, FEEDBACK, answers, window)
    _post(platform.collector_url, platform.admin_key, MEASUREMENTS, costs, window)
    return Sent(len(events), len(answers), len(costs))


def _post(url: str, key: str, endpoint: Endpoint, items: list[dict[str, Any]], window: Window) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60.0, trust_env=False) as client:
        uploader = Uploader(client=client, endpoint=endpoint, observed_until=window.end.isoformat())
        for batch in _batches(items):
            _post_batch(uploader, batch)


def _post_batch(uploader: Uploader, batch: list[dict[str, Any]]) -> None:
    """Post until the service, which may hear of the catalogue a moment later, knows what the batch is about."""
    deadline = time.monotonic() + _KNOWN_WITHIN_S
    while faults := uploader.post(batch):
        first = faults[0]
        if first.field.rpartition(".")[2] != "service" or time.monotonic() > deadline:
            raise SampleError(f"{uploader.endpoint.path} refused sample data: {first.field} {first.reason}")
        time.sleep(_PAUSE_S)


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(items)
    while batch := list(islice(rest, MOST_ITEMS)):
        yield batch


def consumed(engine: Api) -> dict[str, int]:
    """Return how many records of each topic the engine has dealt with, by the topic's name without prefix."""
    found: dict[str, int] = {}
    for partition in engine.get("/v1/ledger")["partitions"]:
        topic = next(name for name in ("feedback", "journeys", "measurements") if name in partition["topic"])
        found[topic] = found.get(topic, 0) + int(partition["span"])
    return found


def wait_counted(engine: Api, feedback_api: Api, before: dict[str, int], sent: Sent, step: Step) -> None:
    """Wait until the engine has dealt with everything that was sent. Raises ``SampleError`` after two minutes.

    Telemetry arrives again when it is sent again; feedback-api passes on only what is new, so its books are compared.
    """
    wanted = {"journeys": sent.journeys, "measurements": sent.measurements}
    total = sum(wanted.values())
    deadline = time.monotonic() + _COUNTED_WITHIN_S
    while time.monotonic() < deadline:
        now = consumed(engine)
        missing = sum(max(0, n - now.get(topic, 0) + before.get(topic, 0)) for topic, n in wanted.items())
        step.advance(total - missing, total)
        if not missing and _feedback_is_in(engine, feedback_api):
            return
        time.sleep(_PAUSE_S)
    raise SampleError("the engine has not counted the sample yet", hints=("see its log: civiloop status",))


def _feedback_is_in(engine: Api, feedback_api: Api) -> bool:
    balances = feedback_balances(feedback_api.get("/v1/ledger"), engine.get("/v1/ledger")["feedback"])
    return not any(balance.waiting or balance.imbalance for balance in balances)


def wait_evaluated(engine: Api, window: Window, step: Step) -> None:
    """Wait until every closed month of every service is evaluated on all the data."""
    months = window.months()
    for done, profile in enumerate(PROFILES, 1):
        for month in months:
            engine.post(f"/v1/services/{profile.service}/evaluations", {"period": f"{month:%Y-%m}"})
        step.advance(done, len(PROFILES))


def now_utc() -> datetime:
    """Return the time now, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
