"""What a platform has counted, as its tables, its API and its command tell it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from tests.support.cells import cells_of_change
from tests.support.ledger import ClientLedger, Measures, comparable, differences, expected
from tests.support.platform import RunningPlatform
from tests.support.traffic import Traffic

GRAINS = ("quarter", "day")

# In one snapshot: what is gathered meanwhile must stand in one of the two.
_AGGREGATES = """
SELECT service_id, cut, data::text FROM evaluation.aggregate
WHERE topic IN ('feedback.received', 'telemetry.journeys') AND service_id = ANY($1) AND grain = $2
    AND (cut = '' OR cut ~ '^channel=[a-z]+$')
UNION ALL SELECT service_id, NULL, data::text FROM evaluation.change
WHERE topic IN ('feedback.received', 'telemetry.journeys') AND service_id = ANY($1)
"""
_CUT = re.compile("(channel=[a-z]+)?")
_FACTS = """
SELECT encode(feedback_key, 'hex') FROM evaluation.answer WHERE service_id = ANY($1) AND state = 'counted'
UNION ALL
SELECT event ->> 0 FROM evaluation.journey, json_array_elements(events) AS event WHERE journey_id LIKE $2
"""


@dataclass(frozen=True)
class Counted:
    """Reads one platform's books for the services of one traffic."""

    platform: RunningPlatform
    traffic: Traffic

    async def query(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.platform.database.admin)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def facts(self) -> Counter[str]:
        """Identities that stand in facts, and how often each does."""
        rows = await self.query(_FACTS, self.traffic.service_ids, f"{self.traffic.run}-%")
        return Counter(row[0] for row in rows)

    async def aggregates(self, grain: str) -> Measures:
        """Sums over all buckets, gathered or not, in total and by channel."""
        found: Counter[tuple[str, str, str]] = Counter()
        for service, cut, data in await self.query(_AGGREGATES, self.traffic.service_ids, grain):
            parts = [(cut, json.loads(data))] if cut is not None else _waiting(data, grain)
            for of_cut, measures in parts:
                for name, amount in measures.items():
                    found[service, of_cut, name] += amount
        return comparable(found)

    async def wait_for(self, identities: Iterable[str], timeout_s: float) -> Counter[str]:
        """Return the facts once these are all among them, or when the time is over."""
        wanted, deadline = set(identities), time.monotonic() + timeout_s
        while True:
            facts = await self.facts()
            if wanted <= facts.keys() or time.monotonic() > deadline:
                return facts
            await asyncio.sleep(0.3)

    async def demand_exactly_once(self, ledger: ClientLedger, timeout_s: float = 60.0) -> Measures:
        """Fail unless what was acknowledged is counted once, and nothing that was never sent. Return the numbers."""
        assert not ledger.refused, ledger.refused[:3]
        facts = await self.wait_for(ledger.acknowledged, timeout_s)
        lost, phantom = ledger.acknowledged - facts.keys(), facts.keys() - ledger.sent.keys()
        assert not lost, f"{len(lost)} acknowledged and not counted: {_named(ledger, lost)}"
        assert not phantom, f"{len(phantom)} counted and never sent: {sorted(phantom)[:5]}"
        twice = {key for key, n in facts.items() if n > 1}
        assert not twice, f"{len(twice)} stand in facts twice: {_named(ledger, twice)}"
        wanted = expected(ledger.sent[key] for key in facts)
        for grain in GRAINS:
            kept = {name: n for name, n in wanted.items() if grain == "day" or not name[2].startswith("surv.")}
            wrong = differences(kept, await self.aggregates(grain))
            assert not wrong, f"{len(wrong)} of {len(wanted)} numbers differ ({grain}):\n" + "\n".join(wrong[:20])
        return wanted

    async def demand_balance(self, timeout_s: float = 30.0) -> dict[str, Any]:
        """Fail unless `civiloop verify` and the engine's ledger balance, once nothing is on its way any more."""
        deadline = time.monotonic() + timeout_s
        while True:
            code, report = await self.command("verify", "--json")
            waiting = sum(row["waiting"] for row in report["feedback"])
            if (code == 0 and not waiting) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
        uneven = [row for part in ("partitions", "feedback") for row in report[part] if row["imbalance"]]
        told = f"exit {code}, {waiting} waiting, differences {report['differences']}, uneven {uneven}"
        assert (code, report["balanced"], uneven, waiting) == (0, True, [], 0), told
        ledger: dict[str, Any] = await self.get(self.platform.addresses.engine_url, "/v1/ledger")
        assert ledger["imbalance"] == 0
        return ledger

    async def command(self, *arguments: str) -> tuple[int, Any]:
        """Run `civiloop` against the platform; return its exit code and the JSON that it prints."""
        addresses = self.platform.addresses
        env = {
            **os.environ,
            "CIVILOOP_FEEDBACK_URL": addresses.feedback_url,
            "CIVILOOP_ENGINE_URL": addresses.engine_url,
            "CIVILOOP_KEY": addresses.admin_key,
            "CIVILOOP_DATA_DIR": str(addresses.data_dir / "none"),
        }
        argv = [sys.executable, "-m", "civiloop_cli", *arguments]
        done = await asyncio.to_thread(
            subprocess.run, argv, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    async def get(self, url: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.platform.admin_key}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20.0, trust_env=False) as client:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _waiting(text: str, grain: str) -> list[tuple[str, Mapping[str, int]]]:
    return [(cut, measures) for cut, of, _, measures in cells_of_change(text) if of == grain and _CUT.fullmatch(cut)]


def _named(ledger: ClientLedger, keys: Iterable[str]) -> Sequence[str]:
    return [f"{ledger.sent[key].of} {ledger.sent[key].id}" for key in sorted(keys)[:5]]
