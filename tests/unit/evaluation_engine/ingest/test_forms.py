"""What is stored comes back as it was, and equal numbers are equal bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.contracts.catalogue import ServiceDefined
from evaluation_engine.adapters.cells import encode
from evaluation_engine.adapters.sink.letters import headers_document, headers_from
from evaluation_engine.domain.accumulator import canonical
from evaluation_engine.service.ingest.instants import to_ms, utc_day
from evaluation_engine.service.ingest.services import context_document, context_from, context_id, context_of

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
NUMBERS = st.integers().filter(bool) | st.integers(-(2**200), 2**200).filter(bool)


@given(st.dictionaries(NAMES, NUMBERS, max_size=20))
def test_the_fast_text_of_a_cell_is_the_canonical_one(measures: dict[str, int]) -> None:
    assert encode(measures) == canonical(measures)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=5))
def test_headers_come_back(headers: list[tuple[str, bytes]]) -> None:
    assert headers_from(headers_document(headers)) == headers


@given(
    st.sets(st.sampled_from(["en", "el", "fa", "pt-BR"]), min_size=1),
    st.sets(st.sampled_from("abc"), max_size=3),
    st.dictionaries(st.sampled_from(["age", "area"]), st.sets(st.sampled_from("xyz"), min_size=1)),
)
def test_a_context_comes_back_with_the_same_identity(
    languages: set[str], steps: set[str], segments: dict[str, set[str]]
) -> None:
    service = ServiceDefined.model_validate(
        {
            "id": "permit",
            "body": "city",
            "version": 1,
            "title": {},
            "languages": list(languages),
            "steps": list(steps),
            "segments": {name: list(values) for name, values in segments.items()},
        }
    )
    context = context_of(service)

    again = context_from(context_document(context))

    assert again == context
    assert context_id(again) == context_id(context)
    assert -(2**63) <= context_id(context) < 2**63


@given(st.datetimes(timezones=st.timezones()))
def test_milliseconds_and_days_are_exact(instant) -> None:  # type: ignore[no-untyped-def]
    at_ms = to_ms(instant)

    assert 0 <= instant.timestamp() * 1000 - at_ms < 1.5
    assert utc_day(at_ms).toordinal() == 719_163 + at_ms // 86_400_000
