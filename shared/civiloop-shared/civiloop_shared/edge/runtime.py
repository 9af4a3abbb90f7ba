"""What the edge of one process shares between its requests."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from prometheus_client import CollectorRegistry

from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.edge.body import BodyBudget
from civiloop_shared.edge.limits import RateLimiter
from civiloop_shared.edge.problems import ErrorTable
from civiloop_shared.observability.metrics import RequestMetrics
from civiloop_shared.observability.readiness import Readiness


@dataclass(slots=True)
class EdgeRuntime:
    """Keys, buckets, budgets, readiness and metrics of one app."""

    keyring: KeyRing
    limiter: RateLimiter
    budget: BodyBudget
    readiness: Readiness
    metrics: RequestMetrics
    registry: CollectorRegistry
    errors: ErrorTable
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    max_in_flight: int
    in_flight: int = 0
