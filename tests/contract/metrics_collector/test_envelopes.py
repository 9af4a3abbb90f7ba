"""What the hot path writes is what the shared contract reads and would write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import orjson
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.auth import Principal, Scope
from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.envelope import decode, encode
from civiloop_shared.contracts.identity import payload_hash
from civiloop_shared.contracts.journeys import JourneyEventRecorded, JourneyKind, journey_stream_key
from civiloop_shared.contracts.measurements import MeasurementRecorded
from civiloop_shared.contracts.values import Channel
from metrics_collector.api.shapes import ChannelName, Journeys, KindName
from metrics_collector.domain.batch import Batch
from metrics_collector.domain.intake import IntakeRules
from metrics_collector.service.journeys import sort_events
from metrics_collector.service.measurements import sort_measurements

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
SERVICE = ServiceDefined(id="permit", body="city", version=1, title={"en": "Permit"})
KEY = Principal("k1", "city", frozenset({Scope.TELEMETRY_WRITE}))

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
PLAIN = st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"], exclude_characters="|=")
LABEL = st.text(PLAIN, min_size=1, max_size=40)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=3, minutes=30))])
INSTANT = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2026, 11, 23),
    timezones=ZONES,
)
EVENT = st.fixed_dictionaries(
    {
        "id": TEXT,
        "service": st.just("permit"),
        "journey_id": TEXT,
        "kind": st.sampled_from([kind.value for kind in JourneyKind]),
        "occurred_at": INSTANT.map(lambda moment: moment.isoformat()),
    },
    optional={
        "source": TEXT,
        "channel": st.sampled_from([channel.value for channel in Channel]),
        "step": LABEL,
        "language": st.sampled_from(["el", "fa", "en-GB"]),
        "assisted_digital": st.booleans(),
    },
)

PLAIN_EVENT = {
    "id": "e1",
    "service": "permit",
    "journey_id": "j1",
    "kind": "step",
    "occurred_at": "2026-11-01T00:00:00Z",
}


def written(item: dict[str, Any]) -> tuple[bytes, bytes]:
    [shaped] = Journeys.validate_python([item])
    batch: Batch[Any] = Batch(principal=KEY, items=[(0, shaped)], observed_until=UNTIL, traceparent="00-1-2-01")
    [(key, document)] = sort_events(batch, IntakeRules(KEY, {"permit": SERVICE}.get, NOW, UNTIL)).events
    return key, orjson.dumps(document, option=orjson.OPT_UTC_Z)


@given(EVENT)
def test_every_event_that_is_taken_is_read_back_by_the_contract(item: dict[str, Any]) -> None:
    key, value = written(item)
    envelope = decode(value)
    event = JourneyEventRecorded.model_validate(envelope.data)
    assert encode(envelope) == value
    assert envelope.type == f"civiloop.journey.{event.kind}.v1"
    assert key == journey_stream_key(envelope.bodyid, event.journey_id)
    assert event.occurred_at == datetime.fromisoformat(item["occurred_at"])
    assert event.observed_until == UNTIL
    assert (event.channel, event.step, event.language) == tuple(
        item.get(name) for name in ("channel", "step", "language")
    )
    assert event.assisted_digital is item.get("assisted_digital", False)


def test_a_measurement_is_read_back_by_the_contract() -> None:
    item = {
        "id": "m1",
        "service": "permit",
        "name": "cost",
        "kind": "cost",
        "unit": "EUR",
        "value": Decimal("-0.120"),
        "period_from": "2026-11-01T00:00:00+02:00",
        "period_to": "2026-11-20T00:00:00+02:00",
    }
    batch: Batch[Any] = Batch(principal=KEY, items=[(0, item)])
    [(key, document)] = sort_measurements(batch, IntakeRules(KEY, {"permit": SERVICE}.get, NOW)).events
    envelope = decode(orjson.dumps(document, option=orjson.OPT_UTC_Z))
    measurement = MeasurementRecorded.model_validate(envelope.data)
    assert envelope.type == MeasurementRecorded.TYPE
    assert key == measurement.key()
    assert measurement.scaled() == -120


def test_a_later_import_of_the_same_log_says_the_same_of_an_event() -> None:
    data = decode(written({**PLAIN_EVENT})[1]).data
    later = {**data, "observed_until": "2026-11-30T00:00:00Z"}
    assert data["observed_until"] == "2026-11-24T00:00:00Z"
    assert payload_hash("t", data) == payload_hash("t", later)
    assert payload_hash("t", data) != payload_hash("t", {**data, "step": "another"})


def test_the_shapes_know_all_channels_and_kinds_of_the_contract() -> None:
    assert set(get_args(ChannelName)) == set(Channel)
    assert set(get_args(KindName)) == set(JourneyKind)
