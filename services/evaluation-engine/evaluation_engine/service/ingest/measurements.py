"""Measurements: at an instant they add up; over a period the one recorded last stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civiloop_shared.contracts.topics import MEASUREMENTS
from evaluation_engine.domain.contribution.measurements import of_measurement
from evaluation_engine.ports.facts import PeriodFact
from evaluation_engine.ports.sink import SinkTransaction
from evaluation_engine.service.ingest.arrivals import Arrival
from evaluation_engine.service.ingest.readers import MeasurementArrival, MeasurementReader
from evaluation_engine.service.ingest.services import ServiceBook
from evaluation_engine.service.ingest.work import Work


@dataclass(frozen=True, slots=True)
class MeasurementHandler:
    """Handles `telemetry.measurements`."""

    book: ServiceBook
    topic: str = MEASUREMENTS.name

    @property
    def read(self) -> MeasurementReader:
        """Makes payloads of drafts."""
        return MeasurementReader(self.book)

    async def apply(
        self, transaction: SinkTransaction, fresh: Sequence[Arrival[MeasurementArrival]], work: Work
    ) -> None:
        """Add values; replace those of the same period that were recorded earlier."""
        facts = await transaction.periods({key for one in fresh if (key := one.payload.period_key) is not None})
        await self.book.look_up(transaction, (fact.context_id for fact in facts.values()))
        changed: dict[bytes, PeriodFact] = {}
        for arrival in fresh:
            key = arrival.payload.period_key
            if key is None:
                self._add(arrival, work)
            elif (fact := self._replace(facts.get(key), arrival, work)) is not None:
                facts[key] = changed[key] = fact
        await transaction.put_periods(changed.values())

    def _add(self, arrival: Arrival[MeasurementArrival], work: Work) -> None:
        measurement = arrival.payload.measurement
        work.changes.change((), of_measurement(measurement, self.book.named(measurement.service).context))
        work.outcomes["counted"] += 1

    def _replace(self, fact: PeriodFact | None, arrival: Arrival[MeasurementArrival], work: Work) -> PeriodFact | None:
        """Return the fact that stands; the key of the event decides between two recorded in the same millisecond."""
        if fact is not None and fact.event_key == arrival.key:
            work.outcomes["duplicate"] += 1
            return None
        work.outcomes["counted"] += 1
        if fact is not None and (fact.recorded_at_ms, fact.event_key) > (arrival.recorded_at_ms, arrival.key):
            fact.records += 1
            return fact
        old = () if fact is None else of_measurement(fact.measurement, self.book.contexts[fact.context_id])
        new = self._fact(arrival, work, records=1 if fact is None else fact.records + 1)
        shares = of_measurement(new.measurement, self.book.contexts[new.context_id])
        new.days = len(shares)
        work.changes.change(old, shares)
        return new

    def _fact(self, arrival: Arrival[MeasurementArrival], work: Work, records: int) -> PeriodFact:
        payload = arrival.payload
        known = self.book.named(payload.measurement.service)
        assert payload.period_key is not None
        return PeriodFact(
            key=payload.period_key,
            partition=work.partition,
            body=arrival.body,
            measurement=payload.measurement,
            kind=payload.kind,
            unit=payload.unit,
            recorded_at_ms=arrival.recorded_at_ms,
            event_key=arrival.key,
            context_id=known.context_id,
            days=0,
            records=records,
        )
