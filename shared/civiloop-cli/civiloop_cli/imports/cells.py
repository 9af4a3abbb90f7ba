"""Turn the text of a cell into a value, or say in which field and why it can't be one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from civiloop_cli.imports.mapping import Cell, Times

Row = Mapping[str, str]
_TRUE = frozenset({"true", "yes", "1", "y"})
_FALSE = frozenset({"false", "no", "0", "n"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"unix_s": timedelta(seconds=1), "unix_ms": timedelta(milliseconds=1)}


class CellFault(Exception):  # noqa: N818 - a fault of the input, collected and reported
    """One field of a row can't be read. The reason doesn't quote the cell."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


def text_of(cell: Cell, row: Row) -> str | None:
    """Return the text that a cell stands for; None when there is none.

    Raises ``ValueError`` for text that no value map covers and for text that can't travel.
    """
    if cell.constant is not None:
        return cell.constant
    text = (row.get(cell.column or "") or "").strip()
    if not text:
        return cell.default
    if "\x00" in text:
        raise ValueError("contains the character NUL")
    if cell.values is None or text in cell.values:
        return cell.values[text] if cell.values else text
    if cell.others == "refuse":
        raise ValueError("is not among the values of the mapping")
    return text if cell.others == "keep" else cell.default


def as_number(text: str) -> int:
    """Read a whole number; ``4.0`` is one."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("is not a whole number") from None
    if not value.is_integer():
        raise ValueError("is not a whole number")
    return int(value)


def as_flag(text: str) -> bool:
    """Read yes or no."""
    lowered = text.lower()
    if lowered not in _TRUE | _FALSE:
        raise ValueError("is neither yes nor no")
    return lowered in _TRUE


def as_instant(text: str, times: Times) -> str:
    """Read a time by the first format that fits; return RFC 3339 in UTC.

    Raises ``ValueError``: no format fits, there is no offset and no zone, or the zone's clock never showed this time.
    A time that the clock showed twice (at the end of summer time) is the first of the two.
    """
    for known in times.formats:
        moment = _parse(text, known)
        if moment is not None:
            return _in_utc(moment, times.zone).isoformat().replace("+00:00", "Z")
    raise ValueError("is not a time as the mapping describes it")


def _parse(text: str, known: str) -> datetime | None:
    try:
        if known == "iso":
            return datetime.fromisoformat(text)
        if known in _UNITS:
            return _EPOCH + float(text) * _UNITS[known]
        return datetime.strptime(text, known)
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime, zone: str | None) -> datetime:
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if zone is None:
            raise ValueError("has no offset, and the mapping gives no zone (times.zone)")
        local = moment.replace(tzinfo=_zone(zone))
        utc = local.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not a time as the mapping describes it") from None
    if utc.astimezone(local.tzinfo).replace(tzinfo=None) != moment:
        raise ValueError("never was on the clock: it was put forward then")
    return utc


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


Reader = Callable[[str], Any]
READERS: dict[str, Reader] = {
    "rating": as_number,
    "nps": as_number,
    "effort": as_number,
    "assisted_digital": as_flag,
}


def value_of(name: str, cell: Cell, row: Row, times: Times) -> Any:
    """Return the value of a field, None when it is absent.

    Raises:
        CellFault: with the field, the column and the reason.
    """
    try:
        text = text_of(cell, row)
        if text is None:
            return None
        if name == "occurred_at":
            return as_instant(text, cell.times or times)
        if name.startswith("answers."):
            return int(text) if text.isascii() and text.isdecimal() else text
        reader = READERS.get(name)
        return text if reader is None else reader(text)
    except ValueError as error:
        raise CellFault(name, f"{error} (column {cell.column})" if cell.column else str(error)) from None
