"""Which times are taken: not from the future, not older than ids are remembered, imports up to what they observed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of our clock a client's clock may be."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The instants that are taken, both ends included, and what is said of others."""

    earliest: datetime
    latest: datetime
    too_early: str
    too_late: str

    def fault(self, moment: datetime) -> str | None:
        """Return the reason why an instant is not taken, None when it is."""
        if moment > self.latest:
            return self.too_late
        return self.too_early if moment < self.earliest else None


def live_window(now: datetime, oldest_event_days: int) -> Window:
    """Return the window of events as they happen: beyond it, a retry could not be told from a new event."""
    return Window(
        now - timedelta(days=oldest_event_days),
        now + CLOCK_SKEW,
        f"is older than {oldest_event_days} days; send older events as an import, a batch with observed_until",
        "is in the future",
    )


def import_window(observed_until: datetime) -> Window:
    """Return the window of an import: any age, up to the end of its observation."""
    return Window(_EARLIEST, observed_until, "is before 1970", "is after observed_until")


def observed_until_fault(observed_until: datetime, now: datetime) -> str | None:
    """Return what is wrong with the end of an observation, None when it can stand for now."""
    if observed_until > now + CLOCK_SKEW:
        return "is in the future"
    return "is before 1970" if observed_until < _EARLIEST else None
