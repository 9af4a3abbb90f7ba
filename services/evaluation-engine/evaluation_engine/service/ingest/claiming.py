"""Becoming the owner of a partition, and the reasons for which one must not be read on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple
from uuid import UUID

from civiloop_shared.errors import CiviloopError
from evaluation_engine.ports.sink import Attempt, Claim, Sink
from evaluation_engine.service.ingest.batch import Lane


class PartitionStoppedError(CiviloopError):
    """Reading this partition on would lose or repeat records; a person has to decide, see ``ReleasePartitions``."""

    code: ClassVar[str] = "partition-stopped"
    title: ClassVar[str] = "This partition can't be read on"


class Span(NamedTuple):
    """The first offset that the broker has and the next that it will give."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class ClaimPartition:
    """Claims partitions in the sink."""

    sink: Sink

    async def claim(self, topic: str, partition: int, topic_id: UUID, span: Span, *, forgive: bool) -> Lane:
        """Return a lane with nothing in memory. Every earlier owner's commits fail from now on.

        ``forgive`` forgets attempts: the last batch failed for a reason outside of it. A partition that stands still
        and that a person released begins anew at the first record that there is; records it has counted are known by
        their ids.

        Raises:
            PartitionStoppedError: the topic is another one, or lacks the records that come next.
        """
        claim = await self.sink.claim(topic, partition, topic_id, span.first, forgive=forgive)
        if claim.stopped is not None and claim.release is not None:
            claim = Claim(await self.sink.release(claim, topic_id, span.first), topic_id)
        reason = claim.stopped or _reason_to_stop(claim, topic_id, span)
        if reason:
            if claim.stopped is None:
                await self.sink.stop_partition(claim.position, reason)
            raise PartitionStoppedError(f"{topic}/{partition}: {reason}")
        return Lane(claim.position)

    async def begin(self, lane: Lane, *, careful_after: int, span: int) -> Attempt:
        """Count the first batch of a claim before it is looked at. Raises ``FencedError``."""
        attempt = await self.sink.begin_attempt(lane.position, careful_after=careful_after, span=span)
        lane.careful_until = attempt.careful_until
        return attempt


def _reason_to_stop(claim: Claim, topic_id: UUID, span: Span) -> str | None:
    next_offset = claim.position.next_offset
    if claim.topic_id != topic_id:
        return f"the topic was made anew: its id was {claim.topic_id} and is {topic_id}"
    if span.end < next_offset:
        return f"the topic ends at {span.end}, before offset {next_offset}, which comes next"
    if span.first > next_offset:
        return f"records {next_offset} to {span.first - 1} were deleted before they were read"
    return None
