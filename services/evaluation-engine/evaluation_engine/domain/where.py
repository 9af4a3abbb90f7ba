"""Which part of a service a KPI is about: `channel == "web" and segment.age in ("65+", "18-25")`.

A condition compares dimensions with values, joined by `and`; nothing is ever executed. Numbers are kept by the channel,
by each other dimension, and by the channel with one other: so a condition names the channel, one other dimension, or
both. What it selects is a sum of cuts that are kept, some taken off, and exact: `channel != "web"` is everything less
the web. A person of whom a dimension is not known is in `!=` and in no `==`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

CHANNEL = "channel"
DIMENSIONS = (CHANNEL, "language", "assisted", "step")
_ID = r"[a-z][a-z0-9-]{1,62}"
_TOKEN = re.compile(
    rf"""\s*(?:(?P<dimension>segment\.{_ID}|[A-Za-z_][\w.-]*)|(?P<sign>==|!=|[(),])|"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)')"""
)
_MOST_VALUES = 30

SignedCut = tuple[int, str]
"""A cut that is kept, and whether its numbers are added (1) or taken off (-1)."""


class WhereError(ValueError):
    """A condition that can't be used, with the reason."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Values of one dimension: these, or where `negated` everything but these."""

    dimension: str
    values: tuple[str, ...]
    negated: bool = False

    def within(self, value: str | None) -> list[tuple[int, str | None]]:
        """The values to add up, with their signs; `None` stands for everything. Only one of them where it is given."""
        if value is not None:
            return [(1, value)] if (value in self.values) != self.negated else []
        if self.negated:
            return [(1, None), *((-1, one) for one in self.values)]
        return [(1, one) for one in self.values]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition, as it was written and as it is understood."""

    text: str
    channel: Pick | None = None
    other: Pick | None = None

    @property
    def picks(self) -> tuple[Pick, ...]:
        """All that is compared."""
        return tuple(pick for pick in (self.channel, self.other) if pick is not None)

    def cuts(self, within: str = "") -> tuple[SignedCut, ...]:
        """The kept cuts that make up what is selected within a cut; none where nothing is, or none is kept."""
        given = dict(part.split("=", 1) for part in within.split("|")) if within else {}
        channels = _selected(self.channel, given.pop(CHANNEL, None))
        if self.other is None:
            others = [(1, f"{dimension}={value}") for dimension, value in given.items()] or [(1, "")]
        elif given.keys() - {self.other.dimension}:
            return ()
        else:
            name = self.other.dimension
            picked = _selected(self.other, given.get(name))
            others = [(sign, f"{name}={value}" if value is not None else "") for sign, value in picked]
        return tuple(
            (sign * of_other, "|".join(part for part in (f"{CHANNEL}={value}" if value else "", other) if part))
            for sign, value in channels
            for of_other, other in others
        )


def _selected(pick: Pick | None, value: str | None) -> list[tuple[int, str | None]]:
    return [(1, value)] if pick is None else pick.within(value)


def parse(text: str) -> Where:
    """Return the condition that a text says. Raises ``WhereError``."""
    tokens = list(_tokens(text))
    picks: list[Pick] = []
    place = 0
    while True:
        pick, place = _comparison(tokens, place)
        if any(one.dimension == pick.dimension for one in picks):
            raise WhereError(f"compares {pick.dimension} twice; several values are written {pick.dimension} in (…)")
        picks.append(pick)
        if place == len(tokens):
            break
        if tokens[place] != ("word", "and"):
            raise WhereError(f"join comparisons with and, not with {tokens[place][1]}")
        place += 1
    others = [pick for pick in picks if pick.dimension != CHANNEL]
    if len(others) > 1:
        names = " and ".join(pick.dimension for pick in others)
        raise WhereError(f"{names} together are not kept: numbers are kept by the channel and one other dimension")
    channels = [pick for pick in picks if pick.dimension == CHANNEL]
    return Where(text, channels[0] if channels else None, others[0] if others else None)


_Token = tuple[str, str]


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise WhereError(f"can't be read from {text[place : place + 20].strip()!r} on")
        place = found.end()
        if found["dimension"] is not None:
            yield "word", found["dimension"]
        elif found["sign"] is not None:
            yield "sign", found["sign"]
        else:
            yield "value", found["double"] if found["double"] is not None else found["single"]


def _comparison(tokens: list[_Token], place: int) -> tuple[Pick, int]:
    kind, dimension = _at(tokens, place)
    if kind != "word" or not _is_dimension(dimension):
        near = get_close_matches(dimension, DIMENSIONS, n=1)
        wanted = f"did you mean {near[0]}?" if near else f"use {', '.join(DIMENSIONS)} or segment.<name>"
        raise WhereError(f"{dimension or 'the end'} is no dimension; {wanted}")
    sign = _at(tokens, place + 1)[1]
    if sign in ("==", "!="):
        return Pick(dimension, (_value(tokens, place + 2),), sign == "!="), place + 3
    if sign == "in":
        values, place = _values(tokens, place + 2)
        return Pick(dimension, values), place
    raise WhereError(f'compare {dimension} with == "…", != "…" or in ("…", "…")')


def _values(tokens: list[_Token], place: int) -> tuple[tuple[str, ...], int]:
    if _at(tokens, place)[1] != "(":
        raise WhereError('write values after in as ("…", "…")')
    values = [_value(tokens, place + 1)]
    place += 2
    while _at(tokens, place) == ("sign", ","):
        values.append(_value(tokens, place + 1))
        place += 2
    if _at(tokens, place) != ("sign", ")"):
        raise WhereError("a list of values ends with )")
    if len(values) > _MOST_VALUES or len(set(values)) < len(values):
        raise WhereError(f"a list has at most {_MOST_VALUES} values, each once")
    return tuple(values), place + 1


def _value(tokens: list[_Token], place: int) -> str:
    kind, value = _at(tokens, place)
    if kind != "value" or not value or "|" in value or "=" in value:
        raise WhereError(f"{value or 'the end'} is no value: values stand in quotation marks")
    return value


def _at(tokens: list[_Token], place: int) -> _Token:
    return tokens[place] if place < len(tokens) else ("end", "")


def _is_dimension(name: str) -> bool:
    return name in DIMENSIONS or re.fullmatch(rf"segment\.{_ID}", name) is not None


def faults_with(where: Where, measures: Iterable[str]) -> Iterator[str]:
    """Say for which measures a condition can't be told, because what is sent for them doesn't carry the dimension."""
    other = where.other.dimension if where.other is not None else None
    if other is None:
        return
    heads = {name.partition(".")[0] for name in measures}
    if "m" in heads:
        yield f"measurements carry a channel and no {other}"
    if other == "step" and heads & {"j", "e", "step"}:
        yield "journeys are kept by step as step.<step>.reached, .abandoned and .errors, not as a condition"
