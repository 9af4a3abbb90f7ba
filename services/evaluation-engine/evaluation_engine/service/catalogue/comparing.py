"""What an apply would change: added, changed field by field, removed; and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

_ABSENT: Any = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; None where it was or will be absent."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one document. A removed service is retired: its numbers stay, new events are refused."""

    kind: str
    id: str
    change: Literal["added", "changed", "removed", "retired"]
    fields: tuple[FieldChange, ...] = ()


Stored = Mapping[tuple[str, str], Mapping[str, Any]]
_ORDER = {"body": 0, "service": 1, "kpi": 2, "goal": 3, "target": 4, "benchmark": 5}


def compare(before: Stored, after: Stored) -> tuple[Change, ...]:
    """Return the changes from the stored documents to the new ones, bodies and services first."""
    names = sorted(before.keys() | after.keys(), key=lambda name: (_ORDER.get(name[0], 9), name[1]))
    return tuple(change for name in names if (change := _compare_one(name, before.get(name), after.get(name))))


def _compare_one(name: tuple[str, str], old: Any, new: Any) -> Change | None:
    kind, identity = name
    if old is None:
        return Change(kind, identity, "added")
    if new is None:
        return Change(kind, identity, "retired" if kind == "service" else "removed")
    fields = tuple(_differences("", old, new))
    return Change(kind, identity, "changed", fields) if fields else None


def _differences(path: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(f"{path}.{key}" if path else key, old.get(key, _ABSENT), new.get(key, _ABSENT))
    elif _named(old) and _named(new):
        yield from _differences(path, _by_id(old), _by_id(new))
    elif old != new:
        yield FieldChange(path, old, new)


def _named(value: Any) -> bool:
    """Whether it is a list of objects with ids, which are compared by id and not by place."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "id" in one for one in value)


def _by_id(values: list[Any]) -> dict[str, Any]:
    return {str(one["id"]): one for one in values}
