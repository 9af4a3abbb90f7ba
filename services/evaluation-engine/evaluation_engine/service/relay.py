"""Dead letters go to `<topic>.dlq` after they were stored: at least once, each with its number.

What no service of ours could have sent is left out of one that is too large for the topic; it stays in the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from evaluation_engine.ports.books import LetterBox, Publisher, StoredLetter

_AT_ONCE = 50
_MOST_BYTES = 512 * 1024
_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class RelayDeadLetters:
    """Moves letters to Kafka; what is unknown is sent again."""

    box: LetterBox
    publisher: Publisher

    async def relay(self) -> int:
        """Relay what waits and return how many. Raises ``UnavailableError``; nothing is lost then."""
        moved = 0
        while True:
            async with self.box.to_relay(_AT_ONCE) as letters:
                for topic, group in groupby(sorted(letters, key=lambda one: one.topic), key=lambda one: one.topic):
                    await self.publisher.publish(f"{topic}.dlq", [_record(one) for one in group])
            moved += len(letters)
            if len(letters) < _AT_ONCE:
                return moved


def _record(letter: StoredLetter) -> tuple[bytes, bytes | None, list[tuple[str, bytes]]]:
    key, told = letter.key or b"", _told(letter)
    size = len(key) + len(letter.value or b"") + sum(len(name) + len(value) for name, value in letter.headers)
    if size <= _MOST_BYTES:
        return key, letter.value, [*letter.headers, *told]
    return key[:_LONGEST_KEY], None, [*told, ("civiloop-omitted-bytes", str(size).encode())]


def _told(letter: StoredLetter) -> list[tuple[str, bytes]]:
    return [
        ("civiloop-dead-letter", str(letter.id).encode()),
        ("civiloop-reason", letter.reason.encode()),
        ("civiloop-detail", letter.detail.encode()),
        ("civiloop-topic", letter.topic.encode()),
        ("civiloop-partition", str(letter.partition).encode()),
        ("civiloop-offset", str(letter.offset).encode()),
    ]
