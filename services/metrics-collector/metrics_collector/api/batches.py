"""From the body of a request to a batch: the shape of all items is checked in one go."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pydantic
from pydantic import TypeAdapter

from civiloop_shared.edge import EdgeRequest, faults_of
from civiloop_shared.edge.request import HEADERS_KEY, TRACE_KEY
from civiloop_shared.errors import ValidationError, ValidationFault
from metrics_collector.api.cloudevents import FromType, Item, events_of, media_type_of, to_item
from metrics_collector.api.shapes import MOST_ITEMS, PATTERNS, InstantField
from metrics_collector.domain.batch import Batch
from metrics_collector.domain.intake import read_instant
from metrics_collector.domain.receipt import RejectedItem

_FAULTS_PER_ITEM = 10
_ENVELOPE = frozenset({"observed_until"})


@dataclass(frozen=True, slots=True)
class ItemKind:
    """How items of one kind are sent: the name of their list, their shape, and what a CloudEvents type implies."""

    list_name: str
    shape: TypeAdapter[Any]
    from_type: FromType


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asked for in the query."""

    strict: bool = False
    dry_run: bool = False
    observed_until: str | None = None


async def read_batch(request: EdgeRequest, kind: ItemKind, wishes: Wishes) -> Batch[Any]:
    """Return the batch of a request.

    Raises:
        MalformedError: the body has not the form that its media type says.
        ValidationError: the batch as a whole is wrong: not a list, empty, too long, a bad ``observed_until``.
    """
    document = await request.json()
    headers = request.scope[HEADERS_KEY]
    events = events_of(media_type_of(headers), headers, document)
    until = wishes.observed_until
    if events is None:
        items, until = _own_form(document, kind.list_name, until)
    else:
        items = [to_item(event, kind.from_type) for event in events]
    _demand_count(items, kind.list_name)
    good, misshapen = _shaped(items, kind.shape)
    return Batch(
        principal=request.principal,
        items=good,
        misshapen=misshapen,
        observed_until=_instant(until),
        strict=wishes.strict,
        dry_run=wishes.dry_run,
        traceparent=request.scope[TRACE_KEY].traceparent(),
    )


def _own_form(document: Any, list_name: str, until: Any) -> tuple[list[Any], Any]:
    if not isinstance(document, dict):
        raise ValidationError.of(ValidationFault("body", f"must be an object with the list {list_name}"))
    unknown = document.keys() - _ENVELOPE - {list_name}
    if unknown:
        raise ValidationError(
            f"the body takes {list_name} and observed_until",
            faults=[ValidationFault("body", "has a field that is not known")],
        )
    items = document.get(list_name)
    if not isinstance(items, list):
        raise ValidationError.of(ValidationFault(list_name, "must be a list"))
    return items, document.get("observed_until") or until


def _demand_count(items: list[Any], list_name: str) -> None:
    if not items:
        raise ValidationError.of(ValidationFault(list_name, "is empty"))
    if len(items) > MOST_ITEMS:
        raise ValidationError.of(ValidationFault(list_name, f"has more than {MOST_ITEMS} items"))


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        moment = read_instant(InstantField.validate_python(value, strict=True))
    except pydantic.ValidationError:
        moment = None
    if moment is None:
        raise ValidationError.of(ValidationFault("observed_until", "is not a time with its offset (RFC 3339)"))
    return moment


def _shaped(items: list[Any], shape: TypeAdapter[Any]) -> tuple[list[tuple[int, Any]], list[RejectedItem]]:
    """Return the items of good shape with their places, and the others with what is wrong."""
    refused = {index: tuple(item) for index, item in enumerate(items) if type(item) is list and _are_faults(item)}
    places = [index for index in range(len(items)) if index not in refused]
    asked = items if not refused else [items[index] for index in places]
    try:
        good = shape.validate_python(asked)
    except pydantic.ValidationError as error:
        by_item: dict[int, list[Any]] = defaultdict(list)
        for fault in error.errors(include_url=False):
            by_item[int(fault["loc"][0])].append(_in_words(fault))
        refused |= {places[at]: faults_of(found[:_FAULTS_PER_ITEM]) for at, found in by_item.items()}
        kept = [at for at in range(len(asked)) if at not in by_item]
        places = [places[at] for at in kept]
        good = shape.validate_python([asked[at] for at in kept])
    misshapen = [RejectedItem(index, _id_of(items[index]), faults) for index, faults in refused.items()]
    return list(zip(places, good, strict=True)), misshapen


def _in_words(fault: Any) -> dict[str, Any]:
    """Return a fault of pydantic without its item's place, a pattern told in words."""
    wanted = PATTERNS.get(str(fault.get("ctx", {}).get("pattern")))
    told = {**fault, "loc": fault["loc"][1:]}
    return told if wanted is None else {**told, "msg": f"must be {wanted}", "input": None}


def _are_faults(item: list[Any]) -> bool:
    return bool(item) and isinstance(item[0], ValidationFault)


def _id_of(item: Item | Any) -> str | None:
    given = item.get("id") if isinstance(item, dict) else None
    return given if isinstance(given, str) and 0 < len(given) <= 200 else None
