"""JSON as strict as I-JSON (RFC 7493): what one reader takes, every reader takes in the same way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from civiloop_shared.errors import MalformedError

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
_LONGEST_INTEGER = 20
_BEFORE_COLON = (b'":', b" :", b"\t:", b"\n:", b"\r:")
_NUL_ESCAPE = b"\\u0000"


def strict_json(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Read JSON text.

    Raises ``MalformedError`` for what is not UTF-8 or not JSON (NaN, Infinity and lone surrogates included), for
    duplicate keys, a NUL in a string, integers beyond 64 bits and nesting deeper than ``max_depth``. The message never
    quotes the text.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(_where(body, error)) from None
    keys, has_huge_float = _check_structure(value, max_depth)
    if has_huge_float or (keys and keys != sum(map(body.count, _BEFORE_COLON))):
        _check_slowly(body)
    if _NUL_ESCAPE in body and _has_nul(value):
        raise MalformedError("a string contains the character NUL")
    return value


def _where(body: bytes, error: orjson.JSONDecodeError) -> str:
    if not body.strip():
        return "the body is empty"
    return f"not valid JSON: line {error.lineno}, column {error.colno}"


def _check_structure(value: Any, max_depth: int) -> tuple[int, bool]:
    """Return how many keys all objects have together, and whether a float may stand for an integer of over 64 bits."""
    keys = 0
    has_huge_float = False
    level = [value]
    for _ in range(max_depth + 1):
        below: list[Any] = []
        for node in level:
            kind = type(node)
            if kind is dict:
                keys += len(node)
                below += node.values()
            elif kind is list:
                below += node
            elif (kind is int or kind is float) and not -MAX_INTEGER <= node <= MAX_INTEGER:
                has_huge_float = True
        if not below:
            return keys, has_huge_float
        level = below
    raise MalformedError(f"nested deeper than {max_depth} levels")


def _check_slowly(body: bytes) -> None:
    """Parse again, slowly, looking at every key and integer. Only reached when a count could not rule faults out.

    Every key of the text ends in a quote, maybe blanks, and a colon. So the number of colons after a quote or a blank
    is never smaller than the number of keys in the text, and that is never smaller than the number of distinct keys
    that were parsed: when first and last are equal there is no duplicate.
    """
    json.loads(body, object_pairs_hook=_without_duplicates, parse_int=_within_64_bits)


def _within_64_bits(digits: str) -> None:
    if len(digits) > _LONGEST_INTEGER or not -MAX_INTEGER <= int(digits) <= MAX_INTEGER:
        raise MalformedError("an integer is out of range")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise MalformedError("an object has the same key twice")


def _has_nul(value: Any) -> bool:
    return any("\x00" in text for text in _strings(value))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _strings(item)
