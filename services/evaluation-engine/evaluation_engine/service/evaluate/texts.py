"""Cells as text: parsed no further than an evaluation needs, and hashed as if all of it were.

More than half of a start day is survival, which life tables alone read, and of single days. It is put apart as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import orjson
from pydantic_core import from_json

from evaluation_engine.domain.accumulator import Measures, canonical, merge_apart
from evaluation_engine.domain.months import without_survival

_SURVIVAL = '"surv.'
_MOST = 2**63 - 1
_NOT_PLAIN = re.compile(r"[^\x00-\x7e]+")


def apart(text: str) -> tuple[Measures, str]:
    """Return the sum of maps, which are JSON with commas between, and what it has of survival: JSON without braces.

    Where it is one run of one map, as a cell is stored, it isn't parsed. It has then to be canonical as it stands.
    """
    begin = text.find(_SURVIVAL)
    if begin < 0:
        return _sum(text), ""
    last = text.rfind(_SURVIVAL)
    close = text.index("}", last)
    comma = text.find(",", last, close)
    members = text[begin : close if comma < 0 else comma]
    if text[begin - 1] not in "{," or not _one_run(members):
        total = _sum(text)
        rest = without_survival(total)
        return rest, canonical({name: amount for name, amount in total.items() if name not in rest})[1:-1]
    before = text[:begin]
    return _sum(before.removesuffix(",") + text[close:] if comma < 0 else before + text[comma + 1 :]), members


def _one_run(members: str) -> bool:
    """Whether what begins and ends with survival is of one map: as names are sorted, nothing else lies between."""
    return not ("}" in members or "\\" in members or " " in members)


def survival(members: str) -> Measures:
    """Return what was put apart."""
    found: Measures = from_json(f"{{{members}}}")
    return found


def _sum(text: str) -> Measures:
    """Parse maps as one array: many short calls would take longer.

    Sums of squares of ms get past 64 bits, and orjson would make floats of them; this parser doesn't.
    """
    return merge_apart(from_json(f"[{text}]"))


def standard(value: object) -> bytes:
    """Return the JSON text that is hashed: sorted, without spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def standard_bucket(start_ms: int, measures: Mapping[str, int], members: str, large: set[str]) -> bytes:
    """Return what `standard` does of a start and all measures, several times as fast.

    ``large`` are names of numbers past 64 bits, which orjson refuses; those that are met are added.
    """
    parts: dict[str, object] = {}
    if members:
        name, rest = members[1:].split('":', 1)
        parts[name] = orjson.Fragment(rest)  # all of survival lies together in the order of names
    try:
        text = _sorted(start_ms, {**measures, **parts} if parts else measures)
    except TypeError:
        text = _in_pieces(start_ms, measures, parts, large)
    return text if text.isascii() and b"\x7f" not in text else _NOT_PLAIN.sub(_escaped, text.decode()).encode()


def _in_pieces(start_ms: int, measures: Mapping[str, int], parts: Mapping[str, object], large: set[str]) -> bytes:
    """Write out the numbers past 64 bits: the same names have them most of the time."""
    known = {name: orjson.Fragment(str(measures[name])) for name in large if name in measures}
    try:
        return _sorted(start_ms, {**measures, **parts, **known})
    except TypeError:
        large.update(name for name, amount in measures.items() if not -_MOST <= amount <= _MOST)
        known = {name: orjson.Fragment(str(measures[name])) for name in large if name in measures}
        return _sorted(start_ms, {**measures, **parts, **known})


def _sorted(start_ms: int, measures: Mapping[str, object]) -> bytes:
    return orjson.dumps((start_ms, measures), option=orjson.OPT_SORT_KEYS)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
