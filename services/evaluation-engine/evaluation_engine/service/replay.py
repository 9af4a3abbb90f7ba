"""Dead letters go back to their topic, for when what was wrong has been mended: same key, value and headers.

A dead letter's id was never remembered as seen, so the replayed event counts like a new one; replayed twice, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from evaluation_engine.ports.books import LetterBox, Publisher, StoredLetter

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ReplayDeadLetters:
    """The use case behind `civiloop dlq`."""

    box: LetterBox
    publisher: Publisher

    async def page(self, body: str, topic: str | None, before: int | None, limit: int) -> list[StoredLetter]:
        """Return letters of a body, newest first."""
        return await self.box.page(body, topic, before, limit)

    async def replay(self, body: str, ids: Sequence[int] | None, topic: str | None) -> int:
        """Publish letters again and return how many; without ``ids`` all that were not replayed yet.

        Raises ``UnavailableError``: some may have been published and will be again; they count once.
        """
        replayed = after = 0
        while True:
            async with self.box.to_replay(body, ids, topic, after, _AT_ONCE) as letters:
                for name, group in groupby(sorted(letters, key=lambda one: one.topic), key=lambda one: one.topic):
                    await self.publisher.publish(name, [(one.key or b"", one.value, one.headers) for one in group])
            replayed += len(letters)
            if len(letters) < _AT_ONCE:
                return replayed
            after = max(letter.id for letter in letters)
