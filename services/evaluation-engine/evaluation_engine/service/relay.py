"""Dead letters go to `<topic>.dlq` after they were stored: at least once, each with its number."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from evaluation_engine.ports.books import LetterBox, Publisher, StoredLetter

_AT_ONCE = 500


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
                    records = [(one.key or b"", one.value, _headers(one)) for one in group if one.value is not None]
                    if records:
                        await self.publisher.publish(f"{topic}.dlq", records)
            moved += len(letters)
            if len(letters) < _AT_ONCE:
                return moved


def _headers(letter: StoredLetter) -> list[tuple[str, bytes]]:
    return [
        *letter.headers,
        ("civiloop-dead-letter", str(letter.id).encode()),
        ("civiloop-reason", letter.reason.encode()),
        ("civiloop-detail", letter.detail.encode()),
        ("civiloop-topic", letter.topic.encode()),
        ("civiloop-partition", str(letter.partition).encode()),
        ("civiloop-offset", str(letter.offset).encode()),
    ]
