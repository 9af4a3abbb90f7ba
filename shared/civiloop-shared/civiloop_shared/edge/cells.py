"""Cells of CSV and XLSX files that a spreadsheet would run as formulas are made plain text."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_TRIGGERS = frozenset("=+-@|%\t\r\n\x00")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?", re.ASCII)
_IGNORED_CATEGORIES = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp", "Mn"})


def defuse_cell(value: Any) -> Any:
    """Return the value as it may stand in a cell.

    Numbers, also those written as text, and the unit % stay what they are. Text that starts with ``=``, ``+``, ``-``,
    ``@``, tab, CR or LF, or with a full-width twin of these, or has one behind a byte order mark, blanks or invisible
    characters, gets an apostrophe in front. NUL is dropped.
    """
    if not isinstance(value, str) or not value:
        return value
    text = value.replace("\x00", "")
    if text == "%" or _PLAIN_NUMBER.fullmatch(text):
        return text
    return f"'{text}" if _is_dangerous(text) else text


def _is_dangerous(text: str) -> bool:
    if text[:1] in _TRIGGERS:
        return True
    for character in text:
        if character in "\t\r\n":
            return True
        if unicodedata.category(character) in _IGNORED_CATEGORIES:
            continue
        return unicodedata.normalize("NFKC", character)[:1] in _TRIGGERS
    return False
