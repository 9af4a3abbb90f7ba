"""What a key may send for a service, and when: the rules that one batch is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from civiloop_shared.auth.principal import Principal
from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.errors import ValidationFault
from metrics_collector.domain.window import Window, import_window, live_window

_UNKNOWN = ValidationFault("service", "is not a service of your body")
_LIMITED = ValidationFault("service", "is not among the services of this key")


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What is taken for one service."""

    window: Window
    channels: frozenset[str]
    segments: Mapping[str, frozenset[str]]

    def channel_fault(self, channel: str | None) -> ValidationFault | None:
        """Return what is wrong with a channel."""
        if channel is None or channel in self.channels:
            return None
        return ValidationFault("channel", f"is not a channel of this service: {', '.join(sorted(self.channels))}")

    def declares(self, segments: Mapping[str, str]) -> bool:
        """Say whether all segments and their values are declared."""
        declared = self.segments
        return all(value in declared.get(name, ()) for name, value in segments.items())

    def segment_faults(self, segments: Mapping[str, str]) -> list[ValidationFault]:
        """Return what is wrong with segments."""
        faults = []
        for name, value in segments.items():
            declared = self.segments.get(name)
            if declared is None:
                faults.append(ValidationFault(f"segments.{name}", "is not a segment that this service declares"))
            elif value not in declared:
                reason = f"is none of its declared values: {', '.join(sorted(declared))}"
                faults.append(ValidationFault(f"segments.{name}", reason))
        return faults


@dataclass(slots=True)
class IntakeRules:
    """Finds the rules of a service once a batch. ``services`` looks a service up."""

    principal: Principal
    services: Callable[[str], ServiceDefined | None]
    now: datetime
    observed_until: datetime | None = None
    _known: dict[str, ServiceRules | ValidationFault] = field(default_factory=dict)

    def of(self, service_id: str) -> ServiceRules | ValidationFault:
        """Return the rules of a service, or why the key can't send anything for it."""
        rules = self._known.get(service_id)
        if rules is None:
            rules = self._known[service_id] = self._find(service_id)
        return rules

    def _find(self, service_id: str) -> ServiceRules | ValidationFault:
        service = self.services(service_id)
        if service is None or service.body != self.principal.body:
            return _UNKNOWN
        if not self.principal.may_touch(service_id):
            return _LIMITED
        until = self.observed_until
        window = live_window(self.now, service.oldest_event_days) if until is None else import_window(until)
        segments = {name: frozenset(values) for name, values in service.segments.items()}
        return ServiceRules(window, frozenset(channel.value for channel in service.channels), segments)


def read_instant(text: str) -> datetime | None:
    """Return the instant of an RFC 3339 text in UTC; None when there is no such day, hour or offset."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
