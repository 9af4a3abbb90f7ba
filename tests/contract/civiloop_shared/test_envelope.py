import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.contracts.envelope import Envelope, InvalidEventError, decode, encode
from civiloop_shared.contracts.identity import event_key, payload_hash

EVENT = Envelope(
    id="1",
    source="urn:test",
    type="civiloop.feedback.received.v1",
    time="2026-11-01T00:00:00Z",
    bodyid="city",
    recordedtime="2026-11-01T00:00:01Z",
    data={"rating": 5},
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def test_an_event_reads_back_as_it_was_written() -> None:
    assert decode(encode(EVENT)) == EVENT


@pytest.mark.requirement("B13")
def test_a_written_event_is_a_cloudevent_of_version_1() -> None:
    document = orjson.loads(encode(EVENT))

    assert document["specversion"] == "1.0"
    assert {"id", "source", "type", "time", "datacontenttype", "data"} <= document.keys()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff", "not_json"),
        (b"[]", "not_cloudevent"),
        (b'{"specversion":"0.3"}', "not_cloudevent"),
        (b'{"specversion":"1.0","id":"","source":"s"}', "bad_attribute"),
        (encode(EVENT).replace(b'{"rating":5}', b"5"), "bad_data"),
    ],
)
def test_what_is_no_event_is_refused_with_a_stable_reason(value: bytes, reason: str) -> None:
    with pytest.raises(InvalidEventError) as caught:
        decode(value)

    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_decoder(value: bytes) -> None:
    try:
        decode(value)
    except InvalidEventError as error:
        assert error.reason


def test_the_identity_of_an_event_keeps_body_source_and_id_apart() -> None:
    assert event_key("a", "bc", "d") != event_key("ab", "c", "d")
    assert event_key("a", "b", "c") == event_key("a", "b", "c")


def test_the_order_of_fields_does_not_change_a_payload() -> None:
    assert payload_hash("t", {"a": 1, "b": 2}) == payload_hash("t", {"b": 2, "a": 1})
    assert payload_hash("t", {"a": 1}) != payload_hash("u", {"a": 1})
