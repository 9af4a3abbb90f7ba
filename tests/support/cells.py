"""What changes add to aggregates, spread by hand: beside the engine's own way of doing it."""

from __future__ import annotations

import json
from collections.abc import Iterator

_DAY, _QUARTER, _MINUTE = "day", "quarter", "minute"


def cells_of_change(text: str) -> Iterator[tuple[str, str, int, dict[str, int]]]:
    """Yield cut, grain, start in ms and measures of every cell that a row of `evaluation.change` adds to."""
    change = json.loads(text)
    for place, day, quarter, measures in change["shares"]:
        cuts = change["cuts"][place]
        for cut in cuts:
            yield cut, _DAY, day, measures
        if quarter is not None:
            for cut in [cut for cut in cuts if cut == "" or (cut.startswith("channel=") and "|" not in cut)]:
                yield cut, _QUARTER, quarter, measures
    for cut, minute, measures in change.get("minutes", ()):
        yield cut, _MINUTE, minute, measures
