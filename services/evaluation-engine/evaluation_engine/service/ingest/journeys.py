"""Journeys: events join their journey's set, and its old contribution gives way to the new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civiloop_shared.contracts.identity import journey_key
from civiloop_shared.contracts.topics import JOURNEYS
from evaluation_engine.domain.contribution.address import Share
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.journey import JourneyState, fold_ordered, settle, silence_due_ms, union
from evaluation_engine.ports.facts import JourneyFact
from evaluation_engine.ports.sink import SinkTransaction
from evaluation_engine.service.ingest.arrivals import Arrival
from evaluation_engine.service.ingest.readers import JourneyArrival, JourneyReader
from evaluation_engine.service.ingest.services import ServiceBook
from evaluation_engine.service.ingest.work import Work

_NEVER_MS = -(2**62)
_FOREVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class JourneyHandler:
    """Handles `telemetry.journeys`."""

    book: ServiceBook
    topic: str = JOURNEYS.name

    @property
    def read(self) -> JourneyReader:
        """Makes payloads of drafts."""
        return JourneyReader(self.book)

    async def apply(self, transaction: SinkTransaction, fresh: Sequence[Arrival[JourneyArrival]], work: Work) -> None:
        """Fold events into their journeys."""
        by_journey = _by_journey(fresh)
        facts = await transaction.journeys(by_journey)
        await self.book.look_up(transaction, (fact.context_id for fact in facts.values()))
        changed = []
        for key, arrivals in by_journey.items():
            fact = facts.get(key) or _new_fact(key, arrivals[0], work.partition)
            if new := _not_in(fact, arrivals, work):
                self._join(fact, new, work)
                changed.append(fact)
        await transaction.put_journeys(changed)

    async def sweep(self, transaction: SinkTransaction, work: Work, limit: int) -> int:
        """Count journeys as abandoned whose silence is due; return how many."""
        facts = await transaction.silent_journeys(work.partition, work.now_ms, limit)
        await self.book.look_up(transaction, (fact.context_id for fact in facts))
        for fact in facts:
            self._join(fact, [], work)
        await transaction.put_journeys(facts)
        return len(facts)

    def _join(self, fact: JourneyFact, new: Sequence[Arrival[JourneyArrival]], work: Work) -> None:
        before = shares_of(fact, self.book.contexts)
        if new:
            fact.events = union(fact.events, [arrival.payload.event for arrival in new])
        state = fold_ordered(fact.events)
        if state is None:
            return
        context = self._context(fact, state.service)
        _settle_silence(fact, state, context, work.now_ms)
        work.changes.change(before, _shares(state, fact, context))

    def _context(self, fact: JourneyFact, owner: str) -> FactContext:
        """Return the frozen context: frozen when the owner is first known, anew when an earlier start names another."""
        if fact.service != owner or fact.context_id is None:
            known = self.book.named(owner)
            fact.service, fact.context_id = owner, known.context_id
        return self.book.contexts[fact.context_id]


def shares_of(fact: JourneyFact, contexts: dict[int, FactContext]) -> tuple[Share, ...]:
    """Return what a stored journey contributes, exactly as it was counted."""
    if fact.context_id is None:
        return ()
    state = fold_ordered(fact.events)
    return () if state is None else _shares(state, fact, contexts[fact.context_id])


def _shares(state: JourneyState, fact: JourneyFact, context: FactContext) -> tuple[Share, ...]:
    now_ms = _FOREVER_MS if fact.silenced else _NEVER_MS
    return of_journey(state, settle(state, now_ms=now_ms, limit_ms=context.silence_limit_ms), context)


def _settle_silence(fact: JourneyFact, state: JourneyState, context: FactContext, now_ms: int) -> None:
    """What an import observed until stands for now and never moves: only live journeys fall silent later."""
    fact.started_at_ms, fact.observed_until_ms = state.started_at_ms, state.observed_until_ms
    due = None if state.observed_until_ms is not None else silence_due_ms(state, context.silence_limit_ms)
    fact.silenced = due is not None and due <= now_ms
    fact.silence_due_at_ms = None if fact.silenced else due


def _by_journey(fresh: Sequence[Arrival[JourneyArrival]]) -> dict[bytes, list[Arrival[JourneyArrival]]]:
    """Return events by the key of their journey, which is made once for each journey."""
    found: dict[tuple[str, str], list[Arrival[JourneyArrival]]] = {}
    for arrival in fresh:
        found.setdefault((arrival.body, arrival.payload.journey_id), []).append(arrival)
    return {journey_key(body, journey_id): arrivals for (body, journey_id), arrivals in found.items()}


def _new_fact(key: bytes, arrival: Arrival[JourneyArrival], partition: int) -> JourneyFact:
    return JourneyFact(key, partition, arrival.body, arrival.payload.journey_id)


def _not_in(fact: JourneyFact, arrivals: list[Arrival[JourneyArrival]], work: Work) -> list[Arrival[JourneyArrival]]:
    """Return events that the journey doesn't hold; its own events are ids that are kept as long as it is."""
    if not fact.events:
        work.outcomes["counted"] += len(arrivals)
        return arrivals
    held = {event.key: event.payload_hash for event in fact.events}
    new = []
    for arrival in arrivals:
        if arrival.key in held:
            work.repeated(arrival, held[arrival.key])
        else:
            new.append(arrival)
    work.outcomes["counted"] += len(new)
    return new
