"""Services with three closed months behind them, made up so that every number on their pages is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from tests.support.platform import RunningPlatform

CANARY = "Nobody may read this on a page"
LICENCE, RARE, NEW = "dog-licence", "rare-licence", "new-licence"
WEB, PHONE, COUNTER = 120, 37, 7
"""Answers a month and channel: the counter has too few to be shown, so the phone is hidden with it."""
LIVE = 53
"""Answers since the last closed month."""
CATALOGUE = f"""\
kind: body
id: local
title: {{en: Municipality of Pages, el: Δήμος Σελίδων, fa: شهرداری صفحه‌ها}}
---
kind: service
id: {LICENCE}
title: {{en: Dog licence, el: Άδεια σκύλου, fa: پروانهٔ سگ}}
zone: Europe/Athens
languages: [en, el, fa]
channels: [web, phone, counter]
digital_channels: [web]
steps: [identify, submit]
segments: {{age: [18-34, 35-64]}}
evaluation_cycle: monthly
---
kind: service
id: {RARE}
title: {{en: Rare licence, el: Σπάνια άδεια, fa: پروانهٔ کمیاب}}
zone: Europe/Athens
languages: [en, el, fa]
channels: [web]
segments: {{age: [18-34, 35-64]}}
---
kind: service
id: {NEW}
title: {{en: New licence, el: Νέα άδεια, fa: پروانهٔ تازه}}
zone: Europe/Athens
languages: [en, el, fa]
channels: [web]
---
{{kind: target, id: dog-csat, service: {LICENCE}, kpi: csat, at_least: 50, origin: charter}}
---
{{kind: target, id: dog-completion, service: {LICENCE}, kpi: completion-rate, at_least: 99, origin: charter}}
---
{{kind: target, id: dog-counter, service: {LICENCE}, kpi: csat, scope: {{channel: counter}}, at_least: 50, origin: law}}
---
kind: benchmark
id: dog-redesign
title: {{en: When to redesign, el: Πότε επανασχεδιάζεται, fa: زمان بازطراحی}}
services: [{LICENCE}]
source: a council's decision
approved_by: council
approved_on: 2026-01-02
criteria:
  - {{id: satisfied, kpi: csat, source: charter, goal: 95, redesign: {{breach_below: 20, clear_when: 25}}}}
redesign_when: {{rule: any}}
"""
_READY_S = 60.0


@dataclass(frozen=True)
class Published:
    """The platform behind the pages, and its three closed months, oldest first."""

    platform: RunningPlatform
    client: httpx.Client
    months: tuple[date, ...]

    @property
    def address(self) -> str:
        return self.platform.addresses.reporting_url

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask reporting, without a key unless one is among the headers."""
        return self.client.get(self.address + path, headers=headers)

    def post(self, url: str, body: Any) -> httpx.Response:
        return self.client.post(url, json=body, headers=self.key)

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.platform.admin_key}"}

    def answer_now(self, number: int) -> None:
        """Answer so many times in the month that goes on, and wait until the live scorecard counts them."""
        before = self._live()
        self._feedback([_answer(LICENCE, datetime.now(UTC), "web", place, "live") for place in range(number)], {})
        deadline = time.monotonic() + _READY_S
        while self._live() < before + number:
            assert time.monotonic() < deadline, "the live scorecard does not count what was answered"
            time.sleep(0.2)

    def _live(self) -> int:
        card = self.get(f"/v1/services/{LICENCE}/scorecard", **self.key).json()
        return next((int(one["n"]) for one in card.get("results", ()) if one["kpi"] == "csat"), 0)

    def _feedback(self, items: list[dict[str, Any]], frame: dict[str, Any]) -> None:
        url = f"{self.platform.addresses.feedback_url}/v1/feedback/batch?strict=true"
        self._until_taken(url, {"items": items, **frame})

    def _until_taken(self, url: str, body: Any) -> None:
        """Post until the services of the catalogue have become known."""
        deadline = time.monotonic() + _READY_S
        while (answer := self.post(url, body)).status_code != 202:
            assert "not a service" in answer.text or answer.status_code == 401, answer.text
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.2)

    def fill(self) -> None:
        """Apply the catalogue, send three months of everything, and evaluate them."""
        addresses = self.platform.addresses
        files = {"files": [{"path": "pages.yaml", "text": CATALOGUE}]}
        applied = self.post(f"{addresses.engine_url}/v1/catalogue/apply", files)
        assert applied.status_code == 200, applied.text
        frame = {"observed_until": datetime.now(UTC).isoformat()}
        for month in self.months:
            self._feedback(list(_answers(month)), frame)
            events = [event for number in range(120) for event in _journey(month, number)]
            self._until_taken(f"{addresses.collector_url}/v1/journeys?strict=true", {"events": events, **frame})
            cost = {"measurements": [_cost(month)], **frame}
            self._until_taken(f"{addresses.collector_url}/v1/measurements?strict=true", cost)
        for place, month in enumerate(self.months, start=1):
            over_the_year = {"cost-per-outcome": place * 108}
            self._counted(LICENCE, month, {"csat": WEB + PHONE + COUNTER, "completion-rate": 120, **over_the_year})
            self._counted(RARE, month, {"csat": 6})
            for service in (LICENCE, RARE):
                made = self.post(self._engine(service, "evaluations"), {"period": f"{month:%Y-%m}"})
                assert made.json()["closed"], made.text

    def _engine(self, service: str, what: str) -> str:
        return f"{self.platform.addresses.engine_url}/v1/services/{service}/{what}"

    def _counted(self, service: str, month: date, wanted: dict[str, int]) -> None:
        """Wait until everything of a month is counted: what is published early is not published anew for a few more."""
        deadline = time.monotonic() + _READY_S
        while True:
            url = self._engine(service, f"scorecard?period={month:%Y-%m}")
            card = self.client.get(url, headers=self.key).json()
            found = {one["kpi"]: one["n"] for one in card["results"] if one["kpi"] in wanted}
            if found == wanted and card["closed"]:
                return
            assert time.monotonic() < deadline, f"{found} of {wanted} are counted"
            time.sleep(0.5)


def last_months(number: int) -> tuple[date, ...]:
    """Return the first days of the last closed months, oldest first."""
    today = datetime.now(UTC).date() - timedelta(days=1)
    months = [today.year * 12 + today.month - 1 - back for back in range(number, 0, -1)]
    return tuple(date(month // 12, month % 12 + 1, 1) for month in months)


def _answers(month: date) -> Iterator[dict[str, Any]]:
    start = datetime(month.year, month.month, 2, 9, tzinfo=UTC)
    for channel, number in (("web", WEB), ("phone", PHONE), ("counter", COUNTER)):
        for place in range(number):
            yield _answer(LICENCE, start + timedelta(hours=place), channel, place, f"{month:%Y-%m}")
    for place in range(6):
        yield _answer(RARE, start + timedelta(hours=place), "web", place, f"{month:%Y-%m}")


def _answer(service: str, at: datetime, channel: str, place: int, run: str) -> dict[str, Any]:
    return {
        "id": f"{service}/{run}/{channel}/{place}{'' if run != 'live' else f'/{at.timestamp()}'}",
        "service": service,
        "channel": channel,
        "rating": (5, 4, 2, 5, 1, 4, 5)[place % 7],
        "nps": (10, 9, 3, 8, 0)[place % 5],
        "task_done": ("yes", "yes", "no", "partly")[place % 4],
        "comment": f"{CANARY} {place}",
        "language": ("en", "el", "fa")[place % 3],
        "segments": {"age": ("18-34", "35-64")[place % 2]},
        "occurred_at": at.isoformat(),
    }


def _journey(month: date, number: int) -> Iterator[dict[str, Any]]:
    at = datetime(month.year, month.month, 3, 7, tzinfo=UTC) + timedelta(minutes=number * 13)
    kinds = [("started", 0.0), ("step", 0.1), ("abandoned" if number % 10 == 9 else "completed", 0.5)]
    if number % 10 != 9:
        kinds.append(("fulfilled", 30.0 + number % 60))
    for place, (kind, hours) in enumerate(kinds):
        yield {
            "id": f"{LICENCE}/{month:%Y-%m}/{number}/{place}",
            "service": LICENCE,
            "journey_id": f"{LICENCE}/{month:%Y-%m}/{number}",
            "kind": kind,
            "channel": ("web", "web", "phone")[number % 3],
            "occurred_at": (at + timedelta(hours=hours)).isoformat(),
            **({"step": "identify"} if kind == "step" else {}),
        }


def _cost(month: date) -> dict[str, Any]:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return {
        "id": f"{LICENCE}/{month:%Y-%m}/cost",
        "service": LICENCE,
        "name": "cost",
        "kind": "cost",
        "unit": "EUR",
        "value": 2345.5,
        "period_from": f"{month.isoformat()}T00:00:00+02:00",
        "period_to": f"{following.isoformat()}T00:00:00+02:00",
    }
