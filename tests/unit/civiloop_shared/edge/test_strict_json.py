from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.edge.strict_json import strict_json
from civiloop_shared.errors import MalformedError

CANARY = "a-citizens-words"

REFUSED = {
    "lone surrogate": b'{"comment": "a-citizens-words \\ud800"}',
    "lone low surrogate": b'{"comment": "a-citizens-words \\udc00x"}',
    "not a number": b'{"rating": NaN, "c": "a-citizens-words"}',
    "infinity": b'{"rating": -Infinity}',
    "infinite exponent": b'{"rating": 1e999}',
    "duplicate key": b'{"rating": 1, "rating": 5}',
    "duplicate key behind blanks": b'{"rating" : 1, "rating"\t: 5, "c": "x : y"}',
    "duplicate key by escape": b'{"rating": 1, "rat\\u0069ng": 5}',
    "duplicate key far down": b'{"a": [{"b": {"c": ":", "c": 2}}]}',
    "duplicate key masked by colons in values": b'{"a": ":", "a": "\\":"}',
    "NUL in a value": b'{"comment": "a-citizens-words\\u0000"}',
    "NUL in a key": b'{"a\\u0000": 1}',
    "NUL by itself": b'{"comment": "a\x00b"}',
    "huge integer": b'{"n": 123456789012345678901234567890}',
    "integer beyond signed 64 bits": b'{"n": 9223372036854775808}',
    "huge negative integer": b"[-9223372036854775809]",
    "integer of a million digits": b"1" * 1_000_000,
    "not UTF-8": b'{"comment": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "trailing text": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "comment": b"{} // a-citizens-words",
    "empty": b"",
    "blank": b" \n",
    "single quotes": b"{'a': 1}",
    "bottomless arrays": b"[" * 100_000,
    "deep arrays": b"[" * 40 + b"]" * 40,
    "deep objects": b'{"a":' * 40 + b"1" + b"}" * 40,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_readers_disagree_about_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        strict_json(body)
    assert CANARY not in str(caught.value)
    assert caught.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b'{"when": "2026-01-01T10:00:00+02:00", "url": "https://example.org:8443/a"}',
        b'{"comment": "they said: \\"no\\": again", "b": ":"}',
        b'{"a" : 1, "b"\n:\t2}',
        b'{"\\":": 1, "a": "\\\\"}',
        b'{"comment": "\\\\u0000 is not a NUL"}',
        b'{"n": 9223372036854775807, "m": -9223372036854775807, "x": 1.5e10, "y": -1e300}',
        b'"text"',
        b"null",
        b"[[[[1]]]]",
        '{"σχόλιο": "καλό", "نظر": "خوب"}'.encode(),
    ],
)
def test_ordinary_json_is_read(body: bytes) -> None:
    assert strict_json(body) == json.loads(body)


def test_nesting_is_taken_up_to_the_limit() -> None:
    assert strict_json(b"[" * 3 + b"]" * 3, max_depth=3) == [[[]]]
    with pytest.raises(MalformedError):
        strict_json(b"[" * 4 + b"1" + b"]" * 4, max_depth=3)


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e15, 1e15) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_values, st.sampled_from([None, 1, 2]), st.booleans())
def test_whatever_any_writer_writes_is_read_back(value: Any, indent: int | None, ascii_only: bool) -> None:
    assert strict_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()) == value


@given(
    st.dictionaries(_texts, _values, min_size=1, max_size=4),
    _values,
    st.sampled_from([b":", b" :", b"\t :", b"\r\n: "]),
)
def test_a_key_written_twice_is_always_seen(value: dict[str, Any], other: Any, colon: bytes) -> None:
    name = next(iter(value))
    twice = b"{" + orjson.dumps(name) + colon + orjson.dumps(other) + b"," + orjson.dumps(value)[1:]
    with pytest.raises(MalformedError, match="same key twice"):
        strict_json(twice)
