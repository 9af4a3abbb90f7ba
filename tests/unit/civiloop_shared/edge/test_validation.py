from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator

from civiloop_shared.edge import faults_of, parse_model
from civiloop_shared.errors import ValidationError
from tests.unit.civiloop_shared.edge.conftest import Town

pytestmark = pytest.mark.requirement("B12")

CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "body",
    [
        b'{"service": "permits", "rating": "canary-7f3a"}',
        b'{"service": "canary-7f3a!", "rating": 3}',
        b'{"service": "permits", "rating": 3, "comment": ["canary-7f3a"]}',
        b'{"service": "permits", "rating": 3, "canary-7f3a \xc3\xa9": 1}',
        b'["canary-7f3a"]',
        b'"canary-7f3a"',
        b'{"service": "permits", "rating": 3, "comment": "canary-7f3a \\ud800"}',
        b'{"service": "canary-7f3a", "rating": NaN}',
        b"canary-7f3a",
    ],
)
def test_a_refusal_never_repeats_what_was_sent(town: Town, body: bytes) -> None:
    answer = town.post("/v1/feedback", body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text


def test_a_refusal_names_every_field_and_its_reason(town: Town) -> None:
    answer = town.post("/v1/feedback", b'{"service": "X", "rating": 9, "surprise": 1}')
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["errors"]} == {"service", "rating", "surprise"}
    assert "less than or equal to 5" in str(answer.json()["errors"])


def test_wrong_path_and_query_parameters_are_named(town: Town) -> None:
    answer = town.client.get("/v1/things/canary-7f3a?every=canary-7f3a")
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["errors"]} == {"path.number", "query.every"}
    assert CANARY not in answer.text


def test_stock_fastapis_500_for_a_lone_surrogate_is_a_400_here(town: Town) -> None:
    assert town.post("/v1/feedback", b'{"service": "\\ud800", "rating": 3}').status_code == 400
    assert town.post("/v1/feedback", b'{"service": "permits", "rating": NaN}').status_code == 400


def test_an_empty_body_is_a_400(town: Town) -> None:
    assert town.post("/v1/feedback", b"").status_code == 400


class _Talkative(BaseModel):
    word: str = ""
    ident: UUID | None = None

    @field_validator("word")
    @classmethod
    def _repeats(cls, value: str) -> str:
        if value:
            raise ValueError(f"{value} is no good")
        return value


def test_a_validator_that_repeats_the_value_is_silenced() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_model(_Talkative, {"word": CANARY})
    assert caught.value.faults[0].field == "word"
    assert CANARY not in caught.value.faults[0].reason


def test_faults_of_an_item_carry_the_place_of_the_item() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_model(_Talkative, {"ident": "nonsense"}, prefix="events.3")
    assert caught.value.faults[0].field == "events.3.ident"


_words = st.text(min_size=3).map(lambda text: f"§{text}")


@given(st.dictionaries(st.sampled_from(["word", "ident"]), _words | st.lists(_words), min_size=1))
def test_no_reason_contains_any_text_of_the_input(value: dict[str, Any]) -> None:
    try:
        _Talkative.model_validate(value)
    except pydantic.ValidationError as error:
        texts = [text for item in value.values() for text in ([item] if isinstance(item, str) else item)]
        for fault in faults_of(error.errors()):
            assert not any(text in fault.reason for text in texts)


def test_a_thousand_faults_do_not_make_a_large_answer(town: Town) -> None:
    answer = town.post("/v1/feedback", orjson.dumps({f"x{i}": 1 for i in range(400)}))
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 100
