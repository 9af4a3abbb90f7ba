"""In which order services are brought up to date, and how much of the time that may take while the stream is behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

BEHIND = timedelta(seconds=3)
"""From when on the stream counts as behind: a partition without news is marked every second, as read a second ago."""

SHARE = 0.15
"""Of the time of one core, for live statuses while the stream is behind."""

A_ROUND_S = 1.0
"""After so long a round takes no other service on, so that the next one sees what has changed meanwhile."""

A_SHORT_ROUND_S = 0.05
"""The same while the stream is behind, so that the time to rest comes as soon."""

LONGEST_WAIT_S = 30.0
"""How long a change may wait; after that it is shown, whatever else there is to do."""

HEARTBEAT_S = 60.0
"""After so long a status is computed anew to which nothing happened but time; it may wait as long again."""

_HEARTBEATS_A_ROUND = 4


def is_behind(complete_until: datetime | None, now: datetime) -> bool:
    """Return whether a backlog is being counted."""
    return complete_until is None or now - complete_until > BEHIND


def rest_after(took_s: float, *, share: float = SHARE) -> float:
    """Return the seconds to rest after work that took so long, so that no more than a share of the time goes to it."""
    return took_s * (1 - share) / share


def deadlines(changed: Mapping[str, float], unchanged: Mapping[str, float], now: float) -> dict[str, float]:
    """Return what is to be brought up to date, with the time by which it must be; the most urgent first.

    ``changed`` holds when a change was seen, ``unchanged`` when the others were computed, all in seconds. Of those to
    which nothing happened a few are taken, so that hundreds of them keep no change waiting.
    """
    found = {name: since + LONGEST_WAIT_S for name, since in changed.items()}
    old = sorted((at, name) for name, at in unchanged.items() if now - at > HEARTBEAT_S)
    found |= {name: at + 2 * HEARTBEAT_S for at, name in old[:_HEARTBEATS_A_ROUND]}
    return dict(sorted(found.items(), key=lambda one: one[1]))
