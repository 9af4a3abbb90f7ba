"""The permutation test of a mean, exactly, from counts alone: no resampling, no seed.

If a theme had nothing to do with the rating, its ratings would be a random draw without replacement
from all of them (Fisher 1935; Pitman 1937). The distribution of their sum follows from the rating
counts; here by a discrete Fourier transform of the tilted generating function (Pagano and Tritchler
1983, "On obtaining permutation distributions in polynomial time", JASA 78:435).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, erfc, sqrt
from typing import Final

import numpy as np

_NORMAL_FROM: Final = 100.0
_DEVIATIONS: Final = 14


def permutation_p(drawn: Sequence[int], everything: Sequence[int]) -> float:
    """Two-sided p of the mean of `drawn` among `everything`: counts of the scores 0, 1, 2, ... in both.

    From an effective size of 100 on it is the normal limit with the permutation variance. Returns 1.0
    where nothing can be compared.
    """
    n, size = sum(drawn), sum(everything)
    total = sum(score * count for score, count in enumerate(everything))
    squares = sum(score * score * count for score, count in enumerate(everything))
    if n in {0, size} or size < 2:
        return 1.0
    expected = n * total / size
    variance = n * (size - n) / (size - 1) * (squares / size - (total / size) ** 2)
    if variance <= 0:
        return 1.0
    distance = abs(sum(score * count for score, count in enumerate(drawn)) - expected)
    if n * (size - n) / size > _NORMAL_FROM:
        return erfc(max(0.0, distance - 0.5) / sqrt(2 * variance))
    sums, chances = _sum_of_draws(n, everything, expected, sqrt(variance))
    return float(min(1.0, chances[np.abs(sums - expected) >= distance - 1e-9].sum()))


def _sum_of_draws(
    n: int, everything: Sequence[int], expected: float, deviation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sums and their chances, seven deviations to each side of the mean or all there are.

    What the transform wraps around from farther away is below 1e-11.
    """
    size = sum(everything)
    share = n / size
    draws = min(size + 1, ceil(_DEVIATIONS * sqrt(size * share * (1 - share))) + 40)
    width = min((len(everything) - 1) * n + 1, ceil(_DEVIATIONS * deviation) + 40)
    of_draw = np.exp(2j * np.pi * np.arange(draws) / draws)[:, None]
    of_sum = np.exp(2j * np.pi * np.arange(width // 2 + 1) / width)[None, :]
    transform = np.ones((draws, width // 2 + 1), dtype=complex)
    for score, count in enumerate(everything):
        transform *= _power(1 - share + share * of_draw * of_sum**score, count)
    given_n = (transform * of_draw ** (-n)).mean(axis=0)
    chances = np.clip(np.fft.irfft(given_n.conj(), width), 0.0, None)
    whole = width == (len(everything) - 1) * n + 1
    sums = np.arange(width) if whole else ceil(expected - width / 2) + np.arange(width)
    chances = chances[sums % width]
    return sums, chances / chances.sum()


def _power(base: np.ndarray, exponent: int) -> np.ndarray:
    """By repeated squaring: many times faster than numpy's power of complex numbers."""
    found = np.ones_like(base)
    while exponent:
        if exponent & 1:
            found *= base
        base = base * base
        exponent >>= 1
    return found
