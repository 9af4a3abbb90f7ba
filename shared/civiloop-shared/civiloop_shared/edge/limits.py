"""Token buckets in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address

from civiloop_shared.edge.policy import Limit
from civiloop_shared.settings import LimitSetting

_MAX_BUCKETS = 50_000


class RateLimiter:
    """One bucket per limit class and caller, as a single number each (GCRA, the generic cell rate algorithm).

    Buckets live in two generations: when the young one is full it becomes the old one and the old one is dropped, so
    memory is bounded by twice ``max_buckets`` and only callers that have long been silent are forgotten.
    """

    def __init__(
        self,
        overrides: Mapping[str, LimitSetting] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_buckets: int = _MAX_BUCKETS,
    ) -> None:
        self._overrides = dict(overrides or {})
        self._clock = clock
        self._max_buckets = max_buckets
        self._rates: dict[Limit, tuple[float, float]] = {}
        self._young: dict[tuple[str, str], float] = {}
        self._old: dict[tuple[str, str], float] = {}

    def take(self, limit: Limit, caller: str, tokens: int = 1) -> float:
        """Take tokens of the caller. Return 0, or, taking none, the seconds until they will be there."""
        interval, depth = self._rates.get(limit) or self._rate_of(limit)
        now = self._clock()
        bucket = (limit.name, caller)
        young = self._young
        full_at = young.get(bucket)
        if full_at is None:
            full_at = self._old.get(bucket, now)
        full_at = max(full_at, now) + interval * tokens
        # A request for more tokens than the bucket holds is let through once the bucket is full, and then paid off.
        excess = full_at - now - max(depth, interval * tokens)
        if excess > 1e-9:
            return excess
        young[bucket] = full_at
        if len(young) >= self._max_buckets:
            self._old, self._young = young, {}
        return 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _rate_of(self, limit: Limit) -> tuple[float, float]:
        override = self._overrides.get(limit.name)
        per_second, burst = (override.per_second, override.burst) if override else (limit.per_second, limit.burst)
        rate = (1.0 / per_second, burst / per_second)
        self._rates[limit] = rate
        return rate


def address_bucket(address: str) -> str:
    """Return what shares a bucket with this address: itself, or the /64 of an IPv6 address (one customer)."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return parsed.packed[:8].hex()
