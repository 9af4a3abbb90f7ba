"""Counts of senders as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evaluation_engine.ports.sink import Receipt, Sender

if TYPE_CHECKING:
    from civiloop_shared.postgres.engine import AsyncpgConnection

_ADD = """
INSERT INTO evaluation.sender_day AS s (topic, partition, service_id, day, slot, source, events, ahead, ahead_ms)
SELECT $1, $2, service, day, slot, source, events, ahead, ahead_ms
FROM unnest($3::text[], $4::date[], $5::smallint[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
    AS u (service, day, slot, source, events, ahead, ahead_ms)
ON CONFLICT (service_id, day, topic, slot, partition) DO UPDATE SET source = excluded.source,
    events = s.events + excluded.events, ahead = s.ahead + excluded.ahead,
    ahead_ms = greatest(s.ahead_ms, excluded.ahead_ms)
"""


async def add(connection: AsyncpgConnection, topic: str, partition: int, receipts: Mapping[Sender, Receipt]) -> None:
    """Add to the counts, in order."""
    ordered = sorted(receipts)
    found = [receipts[one] for one in ordered]
    await connection.execute(
        _ADD,
        *(topic, partition, [one.service for one in ordered], [one.day for one in ordered]),
        *([one.slot for one in ordered], [one.source for one in found]),
        *([one.events for one in found], [one.ahead for one in found], [one.ahead_ms for one in found]),
    )
