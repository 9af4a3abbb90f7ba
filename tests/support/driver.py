"""A client that never gives up: retries with the same ids, sends some things twice, and keeps a ledger of its own."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.ledger import ClientLedger
from tests.support.traffic import Piece

_RETRY = frozenset({408, 429, 500, 502, 503, 504})
_TIMEOUT_S = 5.0
_IMPATIENT_S = 0.02
_LONGEST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes in one request. ``patient`` ones are sent until they are taken, others once."""

    pieces: tuple[Piece, ...]
    patient: bool = True
    key: str = ""

    @property
    def single(self) -> bool:
        return bool(self.key)

    def body(self) -> dict[str, Any]:
        documents = [piece.document for piece in self.pieces]
        if self.single:
            return documents[0]
        return {"items" if self.pieces[0].of == "feedback" else "events": documents}


def pack(
    pieces: Iterable[Piece],
    rnd: random.Random,
    *,
    singles: float = 0.1,
    hasty: float = 0.25,
    sizes: tuple[int, int] = (5, 40),
) -> list[Parcel]:
    """Put pieces into parcels of one sort; some answers go alone, some parcels are never retried."""
    parcels: list[Parcel] = []
    open_ones: dict[str, list[Piece]] = {"feedback": [], "journeys": []}
    full = {"feedback": rnd.randint(*sizes), "journeys": rnd.randint(*sizes)}

    def close(of: str) -> None:
        if open_ones[of]:
            parcels.append(Parcel(tuple(open_ones[of]), rnd.random() >= hasty))
        open_ones[of], full[of] = [], rnd.randint(*sizes)

    for piece in pieces:
        if piece.of == "feedback" and rnd.random() < singles:
            parcels.append(Parcel((piece,), rnd.random() >= hasty, key=f"key-{piece.id}"))
            continue
        open_ones[piece.of].append(piece)
        if len(open_ones[piece.of]) >= full[piece.of]:
            close(piece.of)
    close("feedback")
    close("journeys")
    return parcels


def with_duplicates(pieces: Sequence[Piece], rnd: random.Random, share: float = 0.1) -> list[Piece]:
    """Send a share of the pieces twice, each copy anywhere."""
    found = [*pieces, *rnd.sample(list(pieces), round(len(pieces) * share))]
    rnd.shuffle(found)
    return found


@dataclass
class Driver:
    """Sends parcels over some connections at once, no further than ``allow`` says.

    A share of ``impatient`` attempts hangs up before the answer can be there: what became of them nobody knows.
    """

    feedback_url: str
    collector_url: str
    api_key: str
    parcels: Sequence[Parcel]
    connections: int = 8
    patience_s: float = 90.0
    impatient: float = 0.03
    random: random.Random = field(default_factory=lambda: random.Random(1))
    ledger: ClientLedger = field(default_factory=ClientLedger)
    attempts: int = 0
    retries: int = 0
    taken: int = 0
    _allowed: float = 1.0
    _next: int = 0

    def allow(self, share: float) -> None:
        """Send up to this share of the parcels."""
        self._allowed = share

    async def reached(self, share: float) -> None:
        """Wait until this share of the parcels was taken."""
        await self.until(lambda: self.taken >= share * len(self.parcels))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something, in bounded time."""
        async with asyncio.timeout(self.patience_s):
            while not condition():
                await asyncio.sleep(0.01)

    async def run(self) -> None:
        """Send everything."""
        limits = httpx.Limits(max_connections=self.connections)
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=_TIMEOUT_S, limits=limits, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self.connections):
                group.create_task(self._work(client))

    async def _work(self, client: httpx.AsyncClient) -> None:
        while self._next < len(self.parcels):
            if self._next >= self._allowed * len(self.parcels):
                await asyncio.sleep(0.01)
                continue
            parcel = self.parcels[self._next]
            self._next += 1
            await self._deliver(client, parcel)

    async def _deliver(self, client: httpx.AsyncClient, parcel: Parcel) -> None:
        deadline, pause = time.monotonic() + self.patience_s, 0.05
        self.ledger.note_sent(parcel.pieces)
        while not await self._attempt(client, parcel):
            if not parcel.patient:
                break
            assert time.monotonic() < deadline, f"not taken in {self.patience_s:g} s"
            self.retries += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        self.taken += 1

    async def _attempt(self, client: httpx.AsyncClient, parcel: Parcel) -> bool:
        """Try once: True when the answer is final, whatever it is."""
        self.attempts += 1
        headers = {"Idempotency-Key": parcel.key} if parcel.key else None
        timeout = _IMPATIENT_S if self.random.random() < self.impatient else _TIMEOUT_S
        try:
            answer = await client.post(self._url(parcel), json=parcel.body(), headers=headers, timeout=timeout)
        except httpx.TransportError:
            return False
        if answer.status_code in _RETRY or (answer.status_code == 409 and answer.json()["code"] == "in-flight"):
            return False
        results = answer.json().get("results", ()) if answer.status_code == 202 else [{"status": answer.text}]
        bad = [one for one in results if one["status"] not in ("accepted", "duplicate")]
        if bad:
            self.ledger.refused.append(f"{answer.status_code}: {bad[:2]}")
        else:
            self.ledger.note_acknowledged(parcel.pieces)
        return True

    def _url(self, parcel: Parcel) -> str:
        if parcel.pieces[0].of == "journeys":
            return f"{self.collector_url}/v1/journeys"
        return f"{self.feedback_url}/v1/feedback{'' if parcel.single else '/batch'}"
