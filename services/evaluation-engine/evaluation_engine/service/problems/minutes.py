"""What has to be kept by the minute: the measures of targets that are watched by the minute, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from civiloop_shared.errors import CiviloopError
from evaluation_engine.domain.buckets import QUARTER_MS
from evaluation_engine.domain.budget import beginnings_of
from evaluation_engine.domain.burn import Watch
from evaluation_engine.domain.contribution.context import Minutes
from evaluation_engine.service.evaluate.books import Yardsticks

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class WatchedMinutes:
    """Implements ``MinuteSource`` by the catalogue, which is read again when it has a new version.

    A catalogue that this release can't read stops no counting: what was known before stays.
    """

    yardsticks: Yardsticks
    _told: bool = False

    async def minutes(self) -> Mapping[str, Minutes]:
        """Return what is kept by the minute of each service that has a watched target."""
        try:
            await self.yardsticks.refresh()
            self._told = False
        except CiviloopError:
            raise
        except Exception:
            if not self._told:
                _log.exception("targets that are watched by the minute can't be read")
            self._told = True
        found = {name: minutes_of(one.watches) for name, one in self.yardsticks.all().items() if one.watches}
        return {name: kept for name, kept in found.items() if kept}


def minutes_of(watches: Iterable[Watch]) -> Minutes:
    """Return the measures that alerts with ticks within a quarter hour need, by cut."""
    names: dict[str, set[str]] = {}
    for watch in watches:
        if any(alert.every_ms < QUARTER_MS for alert in watch.alerts):
            names.setdefault(watch.target.cut, set()).update(beginnings_of(watch.definition.measure))
    return tuple((cut, tuple(sorted(found))) for cut, found in sorted(names.items()))
