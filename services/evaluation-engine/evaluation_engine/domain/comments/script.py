"""Which alphabet a text is written in, by counting letters.

The letters that tell Persian, Arabic and Urdu apart are from the Unicode charts of the Arabic block
(U+0600 to U+06FF). Script first, statistics second: after Cavnar and Trenkle 1994, n-gram methods
need more letters than many comments have, and one alphabet often leaves one language.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final, Literal

Script = Literal["Grek", "Arab", "Latn", "Cyrl", "Othr"]

_RANGES: Final[tuple[tuple[int, int, Script], ...]] = (
    (0x0041, 0x024F, "Latn"),
    (0x1E00, 0x1EFF, "Latn"),
    (0x0370, 0x03FF, "Grek"),
    (0x1F00, 0x1FFF, "Grek"),
    (0x0400, 0x052F, "Cyrl"),
    (0x0600, 0x06FF, "Arab"),
    (0x0750, 0x077F, "Arab"),
    (0xFB50, 0xFDFF, "Arab"),
    (0xFE70, 0xFEFF, "Arab"),
)
_URDU: Final = frozenset("ٹڈڑںےۓہھ")
_ARABIC: Final = frozenset("ةىإ")
_PERSIAN: Final = frozenset("پچژگکی")


@lru_cache(maxsize=4096)
def of_letter(letter: str) -> Script:
    """Return the script of one letter."""
    code = ord(letter)
    return next((script for low, high, script in _RANGES if low <= code <= high), "Othr")


def count(text: str) -> Counter[Script]:
    """Letters of each script."""
    return Counter(of_letter(mark) for mark in text if mark.isalpha())


def of_word(word: str) -> Script:
    """Return the script of a word by its first letter."""
    return next((of_letter(mark) for mark in word if mark.isalpha()), "Othr")


def persian_by_letters(text: str) -> bool:
    """True when a text in Arabic script has Persian letters and none that only Arabic or Urdu have."""
    letters = frozenset(text)
    return bool(letters & _PERSIAN) and not letters & (_URDU | _ARABIC)
