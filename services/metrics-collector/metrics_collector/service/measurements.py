"""Take measurements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from civiloop_shared.contracts.measurements import MeasurementRecorded, value_faults
from civiloop_shared.errors import ValidationFault
from metrics_collector.domain.batch import Batch, Event, Sorting
from metrics_collector.domain.envelopes import document
from metrics_collector.domain.intake import IntakeRules, ServiceRules, read_instant
from metrics_collector.domain.items import MeasurementItem
from metrics_collector.domain.receipt import BatchReceipt
from metrics_collector.service.record import Intake

_INSTANTS = ("occurred_at", "period_from", "period_to")


@dataclass(frozen=True, slots=True)
class RecordMeasurements:
    """The use case."""

    intake: Intake

    async def record(self, batch: Batch[MeasurementItem]) -> BatchReceipt:
        """Judge every measurement and make the good ones durable, all or none.

        Raises:
            ValidationError: ``observed_until`` can't stand for now.
            UnavailableError: see ``EventStream.append``.
        """
        return await self.intake.write(batch, sort_measurements(batch, self.intake.rules_for(batch)))


def sort_measurements(batch: Batch[MeasurementItem], rules: IntakeRules) -> Sorting:
    """Judge every measurement by the rules: pure."""
    sorting = Sorting()
    shared = (batch.principal.body, rules.now, batch.traceparent)
    for index, item in batch.items:
        of_service = rules.of(item["service"])
        if isinstance(of_service, ValidationFault):
            sorting.refuse(index, item["id"], of_service)
            continue
        times, faults = _times(item, of_service)
        faults += _value_faults(item, times)
        if faults:
            sorting.refuse(index, item["id"], *faults)
        else:
            sorting.events.append(_event(item, item.get("source") or batch.default_source, times, shared))
    return sorting


def _times(item: MeasurementItem, rules: ServiceRules) -> tuple[dict[str, datetime], list[ValidationFault]]:
    """Return the instants that are there, and all that is wrong with times and channel."""
    times: dict[str, datetime] = {}
    faults = []
    for name in _INSTANTS:
        text = item.get(name)
        if text is not None:
            moment = read_instant(str(text))
            if moment is None:
                faults.append(ValidationFault(name, "is not a time that exists"))
            else:
                times[name] = moment
    faults += [] if faults else _one_time(times, rules)
    channel_fault = rules.channel_fault(item.get("channel"))
    return times, [*faults, channel_fault] if channel_fault is not None else faults


def _one_time(times: dict[str, datetime], rules: ServiceRules) -> list[ValidationFault]:
    """Judge the instant, or the end of the period: that is when the value was known."""
    if times.keys() not in ({"occurred_at"}, {"period_from", "period_to"}):
        return [ValidationFault("occurred_at", "give either occurred_at or period_from and period_to")]
    if "period_from" in times and times["period_from"] >= times["period_to"]:
        return [ValidationFault("period_to", "must be after period_from")]
    name = "occurred_at" if "occurred_at" in times else "period_to"
    reason = rules.window.fault(times[name])
    return [] if reason is None else [ValidationFault(name, reason)]


def _value_faults(item: MeasurementItem, times: dict[str, datetime]) -> list[ValidationFault]:
    has_samples, period = item.get("samples") is not None, {"period_from", "period_to"} <= times.keys()
    lasts = times["period_to"] - times["period_from"] if period else None
    found = value_faults(item["kind"], item["unit"], item.get("value"), has_samples=has_samples, lasts=lasts)
    return [ValidationFault(field, reason) for field, reason in found]


def _text(value: Decimal) -> str:
    """Return the one way to write a number, so that 12.5 and 12.50 are the same payload."""
    return f"{value.normalize():f}"


def _event(
    item: MeasurementItem, source: str, times: dict[str, datetime], shared: tuple[str, datetime, str | None]
) -> Event:
    data: dict[str, Any] = {name: item[name] for name in ("service", "name", "kind", "unit")}
    value, samples = item.get("value"), item.get("samples")
    if value is not None:
        data["value"] = _text(value)
    if samples is not None:
        data["samples"] = [{"value": _text(one["value"]), "count": one["count"]} for one in samples]
    if item.get("channel"):
        data["channel"] = item["channel"]
    data.update(times)
    time = times.get("occurred_at") or times["period_to"]
    made = document(data, item["id"], source, MeasurementRecorded.TYPE, time, shared)
    return f"{item['service']}/{item['name']}".encode(), made
