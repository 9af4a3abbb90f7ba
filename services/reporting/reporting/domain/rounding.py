"""Rounding that can't contradict a verdict: 7.96 against a target of 8 shows as 7.96, not as 8.0."""

from __future__ import annotations

_FEWEST = 1
_MOST = 6


def decimals_beside(value: float, threshold: float | None) -> int:
    """Return with how many decimals a value is shown beside a threshold, so that it stays on its side of it."""
    if threshold is None or value == threshold:
        return _FEWEST
    for decimals in range(_FEWEST, _MOST):
        rounded = round(value, decimals)
        if rounded != threshold and (rounded > threshold) == (value > threshold):
            return decimals
    return _MOST
