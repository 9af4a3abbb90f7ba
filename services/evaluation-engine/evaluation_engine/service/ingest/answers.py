"""Answers: counted once, quarantined without a contribution, erased for good, whatever comes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from civiloop_shared.contracts.topics import FEEDBACK
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.contribution.address import Share
from evaluation_engine.domain.contribution.answers import of_answer
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.ports.comments import CommentExtractor
from evaluation_engine.ports.facts import AnswerFact
from evaluation_engine.ports.sink import SinkTransaction
from evaluation_engine.service.ingest.arrivals import Arrival
from evaluation_engine.service.ingest.comments import read_comments
from evaluation_engine.service.ingest.instants import utc_day
from evaluation_engine.service.ingest.readers import AnswerArrival, AnswerReader
from evaluation_engine.service.ingest.services import ServiceBook
from evaluation_engine.service.ingest.work import Work


@dataclass(frozen=True, slots=True)
class AnswerHandler:
    """Handles `feedback.received`."""

    book: ServiceBook
    extract: CommentExtractor
    topic: str = FEEDBACK.name

    @property
    def read(self) -> AnswerReader:
        """Makes payloads of drafts."""
        return AnswerReader(self.book)

    async def apply(self, transaction: SinkTransaction, fresh: Sequence[Arrival[AnswerArrival]], work: Work) -> None:
        """Take answers in and erased ones out, in the order of the partition."""
        facts = await transaction.answers({arrival.payload.feedback_key for arrival in fresh})
        await self.book.look_up(transaction, (fact.context_id for fact in facts.values()))
        records = await read_comments(self.extract, dict(_comments(fresh, facts)))
        changed: dict[bytes, AnswerFact] = {}
        for arrival in fresh:
            key = arrival.payload.feedback_key
            before = facts.get(key)
            after = (
                self._erase(before, arrival, work)
                if arrival.payload.content is None
                else (self._receive(before, arrival, records.get(key), work))
            )
            if after is not None:
                facts[key] = changed[key] = after
        await transaction.put_answers(changed.values())

    def _receive(
        self, fact: AnswerFact | None, arrival: Arrival[AnswerArrival], record: CommentRecord | None, work: Work
    ) -> AnswerFact | None:
        if fact is None:
            return self._count(arrival, record, work)
        if fact.state == "erased":
            work.outcomes["erased"] += 1
            fact.erasures += 1
            fact.first_outcome = fact.first_outcome or "erased"
            fact.received_day = fact.received_day or utc_day(arrival.recorded_at_ms)
            return fact
        work.repeated(arrival, fact.payload_hash or 0)
        return None

    def _count(self, arrival: Arrival[AnswerArrival], record: CommentRecord | None, work: Work) -> AnswerFact:
        payload = arrival.payload
        known = self.book.named(payload.service)
        fact = AnswerFact(
            key=payload.feedback_key,
            partition=work.partition,
            body=arrival.body,
            service=payload.service,
            state="quarantined" if payload.quarantined else "counted",
            received_day=utc_day(arrival.recorded_at_ms),
            payload_hash=arrival.payload_hash,
            context_id=known.context_id,
            content=payload.content and replace(payload.content, record=record),
        )
        fact.first_outcome = fact.state
        work.outcomes[fact.state] += 1
        work.changes.change((), answer_shares(fact, known.context))
        return fact

    def _erase(self, fact: AnswerFact | None, arrival: Arrival[AnswerArrival], work: Work) -> AnswerFact:
        payload = arrival.payload
        if fact is None:
            fact = AnswerFact(payload.feedback_key, work.partition, arrival.body, payload.service, "erased")
        elif fact.context_id is not None:
            work.changes.change(answer_shares(fact, self.book.contexts[fact.context_id]), ())
        fact.state, fact.content, fact.payload_hash, fact.context_id = "erased", None, None, None
        fact.erasures += 1
        work.outcomes["erased"] += 1
        work.erased.add(payload.feedback_key)
        return fact


def answer_shares(fact: AnswerFact, context: FactContext) -> tuple[Share, ...]:
    """Return what a stored answer contributes."""
    content = fact.content
    return of_answer(content.answer, context, content.record) if fact.state == "counted" and content else ()


def _comments(
    fresh: Sequence[Arrival[AnswerArrival]], facts: Mapping[bytes, AnswerFact]
) -> Iterator[tuple[bytes, str]]:
    """Yield the comments that are going to be counted."""
    for arrival in fresh:
        key, _, content, quarantined = arrival.payload
        if content and content.comment and not quarantined and key not in facts:
            yield key, content.comment
