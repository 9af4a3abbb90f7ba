"""The services that events are counted by, and the contexts that facts freeze."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.envelope import InvalidEventError
from evaluation_engine.domain.contribution.context import COUNTING, FactContext, Minutes
from evaluation_engine.ports.sink import MinuteSource, ServiceSource, SinkTransaction

_HOUR_MS = 3_600_000
UNKNOWN_SERVICE = "unknown_service"


def context_of(service: ServiceDefined, minutes: Minutes = ()) -> FactContext:
    """Return what facts of a service are counted by; ``minutes`` is what is kept of it by the minute."""
    return FactContext(
        zone=service.zone,
        silence_limit_ms=service.silence_limit_hours * _HOUR_MS,
        digital=frozenset(channel.value for channel in service.digital_channels),
        steps=frozenset(service.steps),
        languages=frozenset(service.languages),
        segments={name: frozenset(values) for name, values in service.segments.items()},
        counting=COUNTING,
        minutes=minutes,
    )


def context_document(context: FactContext) -> dict[str, Any]:
    """Return a context as JSON types; `context_from` turns it back."""
    return {
        "zone": context.zone,
        "silence_limit_ms": context.silence_limit_ms,
        "digital": sorted(context.digital),
        "steps": sorted(context.steps),
        "languages": sorted(context.languages),
        "segments": {name: sorted(values) for name, values in context.segments.items()},
        **({"counting": context.counting} if context.counting else {}),
        **({"minutes": context.minutes} if context.minutes else {}),
    }


def context_from(document: Mapping[str, Any]) -> FactContext:
    """Return the context of a document."""
    return FactContext(
        zone=document["zone"],
        silence_limit_ms=document["silence_limit_ms"],
        digital=frozenset(document["digital"]),
        steps=frozenset(document["steps"]),
        languages=frozenset(document["languages"]),
        segments={name: frozenset(values) for name, values in document["segments"].items()},
        counting=document.get("counting", 0),
        minutes=tuple((cut, tuple(names)) for cut, names in document.get("minutes", ())),
    )


def context_id(context: FactContext) -> int:
    """Return the signed 64-bit identity of a context: equal contexts have equal ids."""
    canonical = orjson.dumps(context_document(context), option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(canonical, digest_size=8).digest(), "big", signed=True)


@dataclass(frozen=True, slots=True)
class KnownService:
    """A service of the catalogue: whose it is, the context that new facts freeze, since when facts are kept.

    ``origin`` is what all that was made of.
    """

    body: str
    context_id: int
    context: FactContext
    facts_from_ms: int | None
    origin: tuple[Mapping[str, Any], Minutes, int | None]


@dataclass(slots=True)
class ServiceBook:
    """Services in memory. `contexts` also keeps old ones that facts still cite.

    A context is stored before any event is counted by it, and not with the event: batches that store the same contexts
    would wait for each other.
    """

    source: ServiceSource
    minutes: MinuteSource | None = None
    contexts: dict[int, FactContext] = field(default_factory=dict)
    _services: dict[str, KnownService] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Read the services anew."""
        found, since = await self.source.services(), await self.source.facts_from_ms()
        kept = await self.minutes.minutes() if self.minutes else {}
        services = {name: self._known(name, found[name], kept.get(name, ()), since.get(name)) for name in found}
        await self.source.keep_contexts({one.context_id: one.context for one in services.values()})
        self._services = services

    def of(self, body: str, service: str) -> KnownService:
        """Return a service of a body. Raises ``InvalidEventError`` (`unknown_service`)."""
        known = self._services.get(service)
        if known is None or known.body != body:
            raise InvalidEventError(UNKNOWN_SERVICE, "the body has no such service")
        return known

    async def look_up(self, transaction: SinkTransaction, cited: Iterable[int | None]) -> None:
        """Read the contexts that facts cite and that aren't in memory."""
        wanted = {one for one in cited if one is not None} - self.contexts.keys()
        if wanted:
            self.contexts.update(await transaction.contexts(wanted))

    def named(self, service: str) -> KnownService:
        """Return a service that was checked before."""
        return self._services[service]

    def _known(
        self, name: str, definition: Mapping[str, Any], minutes: Minutes, facts_from_ms: int | None
    ) -> KnownService:
        """Return what is known by now; a service that hasn't changed isn't read again: with hundreds it takes long."""
        origin = (definition, minutes, facts_from_ms)
        known = self._services.get(name)
        if known is None or known.origin != origin:
            service = ServiceDefined.model_validate(definition)
            context = context_of(service, minutes)
            identity = context_id(context)
            context = self.contexts.setdefault(identity, context)
            known = KnownService(service.body, identity, context, facts_from_ms, origin)
        return known
