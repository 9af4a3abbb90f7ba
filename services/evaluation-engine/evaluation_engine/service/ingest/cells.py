"""Cells of one partition in memory: read once, written back as a whole with every batch that changes them.

Days that lie well back are no longer the owner's alone, see `closed_days`: those are read afresh every time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluation_engine.domain.accumulator import Measures, add
from evaluation_engine.domain.closed_days import read_afresh
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.ports.sink import SinkTransaction


@dataclass(slots=True)
class CellCache:
    """The cells used last. Only the owner of the partition writes them, so memory and table agree between commits.

    A change is made in place before the commit: after a failure the whole cache must be thrown away.
    """

    topic: str
    partition: int
    max_cells: int
    _cells: OrderedDict[Cell, Measures] = field(default_factory=OrderedDict)

    async def apply(self, transaction: SinkTransaction, changes: Mapping[Cell, Measures], now_ms: int) -> None:
        """Add changes to the cells and store these."""
        if not changes:
            return
        for cell in changes:
            if read_afresh(cell.grain, cell.bucket_start_ms, now_ms):
                self._cells.pop(cell, None)
        await self._load(transaction, changes)
        for cell, change in changes.items():
            if known := self._cells[cell]:
                add(known, change)
            else:
                self._cells[cell] = dict(change)
            self._cells.move_to_end(cell)
        await transaction.put_cells(self.topic, self.partition, {cell: self._cells[cell] for cell in changes})

    def trim(self) -> None:
        """Let go of the cells used longest ago. Only after a commit."""
        while len(self._cells) > self.max_cells:
            self._cells.popitem(last=False)

    async def _load(self, transaction: SinkTransaction, wanted: Mapping[Cell, Measures]) -> None:
        missing = [cell for cell in wanted if cell not in self._cells]
        if missing:
            stored = await transaction.cells(self.topic, self.partition, missing)
            for cell in missing:
                self._cells[cell] = stored.get(cell, {})
