"""Three-valued logic after Kleene: True, False, and None for what is not known (Kleene 1952, section 64).

A combination is decided as soon as no unknown could change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Truth = bool | None


def any_of(values: Iterable[Truth]) -> Truth:
    """True when one is, false when all are false."""
    found = list(values)
    if True in found:
        return True
    return None if None in found else False


def all_of(values: Iterable[Truth]) -> Truth:
    """False when one is false, true when all are true."""
    found = list(values)
    if False in found:
        return False
    return None if None in found else True


def at_least(k: int, values: Sequence[Truth]) -> Truth:
    """True when k are true, false when even with the unknown there are not k."""
    return weighted(k, [(value, 1.0) for value in values])


def weighted(threshold: float, values: Iterable[tuple[Truth, float]]) -> Truth:
    """True when the weights of the true reach the threshold, false when even with the unknown they do not."""
    found = list(values)
    sure = sum(weight for value, weight in found if value is True)
    open_ = sum(weight for value, weight in found if value is None)
    if sure >= threshold:
        return True
    return None if sure + open_ >= threshold else False
