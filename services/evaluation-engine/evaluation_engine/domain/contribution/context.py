"""What of the catalogue a fact is counted by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OTHER = "other"

Minutes = tuple[tuple[str, tuple[str, ...]], ...]
"""What is kept by the minute: cuts, each with the measures, or their beginnings."""

COUNTING = 2
"""Which measures a fact adds. A fact keeps the number that it was counted by: what went in must come out again.

1 (since packs): j.errored, j.helped, j.helped_again, j.assisted, j.switched.
2 (since survival knows times): surv.* by start day only, with sums of times; order.*, hand.*.
"""


@dataclass(frozen=True, slots=True)
class FactContext:
    """What of the catalogue a fact is counted by, frozen when it is first seen."""

    zone: str
    silence_limit_ms: int | None
    digital: frozenset[str]
    steps: frozenset[str]
    languages: frozenset[str]
    segments: Mapping[str, frozenset[str]]
    counting: int = 0
    minutes: Minutes = ()

    def step(self, name: str) -> str:
        """A known step, or `other`."""
        return name if name in self.steps else OTHER

    def dimensions(
        self, language: str | None, assisted: bool, segments: Iterable[tuple[str, str]]
    ) -> tuple[tuple[str, str], ...]:
        """Dimensions beside the channel; unknown languages and values are `other`, unknown segments are left out."""
        found = [("assisted", "yes" if assisted else "no")]
        if language:
            found.append(("language", self._language(language)))
        for name, value in segments:
            known = self.segments.get(name)
            if known is not None:
                found.append((f"segment.{name}", value if value in known else OTHER))
        return tuple(found)

    def _language(self, tag: str) -> str:
        if tag in self.languages:
            return tag
        primary = tag.partition("-")[0].lower()
        return primary if primary in self.languages else OTHER
