"""False alarms of looking every hour for a year at a service that is exactly at its target.

Beside each other: the confidence sequence from a fixed start with the year's error split over its runs, the same
counts with an interval made for one look, and either of them over a rolling window. Any claim to be above or below the
target is a false alarm. Arrays for speed; a test holds them to the domain's own functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, logsumexp, xlog1py, xlogy

from evaluation_engine.domain import sequences
from evaluation_engine.domain.intervals import LEVEL, normal_quantile
from tests.load.report import Figure

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOURS = 365 * 24
PER_HOUR = 2.0
TARGET = 0.85
WINDOW_HOURS = 48
RUNS = 4
RATINGS = np.array([0.04, 0.04, 0.08, 0.29, 0.55])
_SCALE = (1, 2, 3, 4, 5)
_FIRST_LOOK = 100
"""As many as a verdict needs; intervals for one look would do worse before."""
_SEED = 20261124


def measure(*, years: int = 1000) -> list[Figure]:
    """Share of years with at least one false alarm, per cent, over seeded years."""
    random = np.random.default_rng(_SEED)
    outcomes: dict[str, list[Bools]] = {}
    for _ in range(max(1, years // 100)):
        for name, alarmed in _hundred_years(random):
            outcomes.setdefault(name, []).append(alarmed)
    shares = {name: 100 * float(np.concatenate(found).mean()) for name, found in outcomes.items()}
    limit = 100 * (1 - LEVEL)
    return [
        Figure(f"years with a false alarm · {name}", share, "%", limit if "confidence sequence" in name else None)
        for name, share in shares.items()
    ]


def _hundred_years(random: np.random.Generator) -> Iterator[tuple[str, Bools]]:
    arrived = random.poisson(PER_HOUR, (100, HOURS))
    yes = random.binomial(arrived, TARGET)
    ratings = random.multinomial(arrived, RATINGS)
    truth = float(RATINGS @ np.arange(1, 6))
    level = sequences.level_of_run(LEVEL, RUNS)
    share = np.zeros(100, np.bool_), np.zeros(100, np.bool_)
    score = np.zeros(100, np.bool_), np.zeros(100, np.bool_)
    for hours in np.array_split(np.arange(HOURS), RUNS):
        n, count = arrived[:, hours].cumsum(1), yes[:, hours].cumsum(1)
        enough = n >= _FIRST_LOOK
        share = (
            share[0] | (enough & (evidence(count, n, TARGET) >= log(1 / (1 - level)))).any(1),
            share[1] | (enough & out_of_wilson(count, n, TARGET)).any(1),
        )
        rated = ratings[:, hours].cumsum(1)
        total, squares = rated @ np.arange(1, 6), rated @ np.arange(1, 6) ** 2
        score = (
            score[0] | mean_refuted(rated, _SCALE, truth, level).any(1),
            score[1] | (enough & _out(truth, *_naive_mean(n, total, squares))).any(1),
        )
    yield f"share: confidence sequence, {RUNS} runs", share[0]
    yield f"share: one-look interval from the same {RUNS} starts", share[1]
    rolling_n, rolling = _rolling(arrived), _rolling(yes)
    yield (
        "share: one-look interval, rolling 2 days",
        _ever((rolling_n > 0) & out_of_wilson(rolling, rolling_n, TARGET)),
    )
    yield (
        "share: sequence misused over a rolling window, 2 days",
        _ever(evidence(rolling, rolling_n, TARGET) >= log(1 / (1 - LEVEL))),
    )
    yield f"mean: confidence sequence, {RUNS} runs", score[0]
    yield f"mean: one-look interval from the same {RUNS} starts", score[1]


def _ever(alarms: Bools) -> Bools:
    """Whether there was one at any look of each year."""
    return np.asarray(alarms.any(1), np.bool_)


def evidence(count: Ints, n: Ints, share: float) -> Floats:
    """`sequences.log_evidence` of arrays."""
    against = xlogy(count, share) + xlog1py(n - count, -share)
    return np.asarray(betaln(1 + count, 1 + n - count) - against, np.float64)


def wilson_half(n: Ints, share: float) -> Floats:
    """How far a count may be from `share` before the Wilson interval, a test turned round, leaves it out."""
    return np.asarray(normal_quantile(LEVEL) * np.sqrt(share * (1 - share) / n), np.float64)


def out_of_wilson(count: Ints, n: Ints, share: float) -> Bools:
    """Whether the Wilson interval of each count leaves a share out."""
    size = np.maximum(n, 1)
    found: Bools = np.abs(count / size - share) > wilson_half(size, share)
    return found


def mean_refuted(counts: Ints, scale: Sequence[int], truth: float, level: float) -> Bools:
    """Whether `sequences.mean` leaves the truth out, by run, look and how many gave each answer of the scale."""
    least, most = min(scale), max(scale)
    places = (np.array(scale, np.float64) - least) / (most - least)
    gains = sequences.log_gains(places, (truth - least) / (most - least))
    limit = -log(1 - level) + log(sequences.BETS)
    return np.stack([_some_beyond(run.astype(np.float64) @ gains, limit) for run in counts])


def _some_beyond(wealths: Floats, limit: float) -> Bools:
    """Whether the sum of each row of logs is over a limit; where its largest is far below, it is not."""
    found = np.zeros(len(wealths), np.bool_)
    close = wealths.max(1) > limit - log(wealths.shape[1])
    found[close] = logsumexp(wealths[close], axis=1) > limit
    return found


def ever_out_of_mean(
    random: np.random.Generator, scale: Sequence[int], chances: Floats, level: float, shape: tuple[int, int]
) -> float:
    """Share of runs whose sequence of the mean leaves the truth out after any answer; shape is of runs and answers."""
    drawn = random.choice(len(scale), shape, p=chances)
    counts = np.eye(len(scale), dtype=np.int64)[drawn].cumsum(1)
    return float(mean_refuted(counts, scale, float(chances @ np.array(scale)), level).any(1).mean())


def _naive_mean(n: Ints, total: Ints, squares: Ints) -> tuple[Floats, Floats]:
    size = np.maximum(n, 2)
    centre = total / size
    half = normal_quantile(LEVEL) * np.sqrt(np.maximum(0.0, squares / size - centre**2) / (size - 1))
    return centre - half, centre + half


def _out(truth: float, low: Floats, high: Floats) -> Bools:
    found: Bools = (truth < low) | (truth > high)
    return found


def _rolling(counts: Ints) -> Ints:
    """Sums of the last `WINDOW_HOURS` hours, for each hour from the first full window on."""
    so_far = np.concatenate([np.zeros((len(counts), 1), np.int64), counts.cumsum(1)], axis=1)
    found: Ints = so_far[:, WINDOW_HOURS:] - so_far[:, :-WINDOW_HOURS]
    return found
