"""Records of one partition that wait to be counted, given out strictly in the order of their offsets."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluation_engine.ports.sink import StreamRecord


@dataclass(slots=True)
class Backlog:
    """A fetch that was under way while the position moved may bring records from elsewhere: they must not be counted.

    A hole is believed only when the records were asked for from its beginning and come from behind it again: then the
    broker has nothing there. The ledger tells it, as records without an outcome.
    """

    _queue: deque[StreamRecord] = field(default_factory=deque)
    _hole_at: int | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, records: Sequence[StreamRecord]) -> None:
        """Let records wait."""
        self._queue.extend(records)

    def clear(self) -> None:
        """Forget what waits."""
        self._queue.clear()

    def take(self, expected: int, size: int) -> list[StreamRecord]:
        """Return up to ``size`` records that follow each other from ``expected`` on; older ones are dropped."""
        taken: list[StreamRecord] = []
        while self._queue and len(taken) < size:
            offset = self._queue[0].offset
            if offset < expected:
                self._queue.popleft()
            elif offset == expected or (not taken and self._hole_at == expected):
                taken.append(self._queue.popleft())
                expected = offset + 1
            else:
                break
        return taken

    def misses(self, expected: int) -> bool:
        """Say whether what waits doesn't begin at ``expected``: read from there again. Believed the second time."""
        if not self._queue or self._queue[0].offset <= expected or self._hole_at == expected:
            return False
        self._hole_at = expected
        return True
