"""What can be wrong with a partition that reading on would make worse.

CiviloopError
└── PartitionError              stop this partition and say so
├── OffsetLostError         the next offset lies outside of what the broker has
└── TopicRecreatedError     the topic is another one than the one that was read so far

"""

from __future__ import annotations

from civiloop_shared.errors import CiviloopError


class PartitionError(CiviloopError):
    """Something that reading on would make worse; names topic and partition."""

    code = "partition-stopped"
    title = "This partition can't be read on"

    def __init__(self, topic: str, partition: int, detail: str) -> None:
        super().__init__(f"{topic}/{partition}: {detail}")
        self.topic = topic
        self.partition = partition


class OffsetLostError(PartitionError):
    """The next offset lies outside of what the broker has: records are lost, or the topic was made anew."""

    code = "offset-lost"

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(topic, partition, f"offset {offset} is not there any more, or not yet")
        self.offset = offset


class TopicRecreatedError(PartitionError):
    """The topic was deleted and made anew: its offsets mean nothing any more."""

    code = "topic-recreated"
