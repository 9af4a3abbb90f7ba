"""One spelling for what people type in many ways, and the words of it.

Greek: accents stripped, casefolded, final sigma as sigma. Persian: Arabic yeh and kaf as the Persian
letters, Arabic and Persian digits as ASCII, hamza carriers as their letter, no tatweel and vowel
marks; the zero-width non-joiner stays, it separates stem and ending. After Unicode TR 15 (NFD) and
the letter tables of Shamsfard et al. 2010 (STeP-1: standard text preparation for Persian).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

ZWNJ: Final = "\u200c"
MASK: Final = re.compile(r"\[(?:email|phone|card|iban|id)\]")

_LETTERS: Final = str.maketrans(
    {"\u064a": "\u06cc", "\u0649": "\u06cc", "\u0643": "\u06a9", "\u0629": "\u0647", "\u06c1": "\u0647"}
)
_DIGITS: Final = str.maketrans(
    {chr(start + digit): str(digit) for start in (0x0660, 0x06F0) for digit in range(10)} | {"\u0640": None}
)
_PIECES: Final = re.compile(rf"(?P<word>[^\W_]+(?:[{ZWNJ}'’][^\W_]+)*)|(?P<stop>[.,!?;:·()\[\]\n…\u061f\u060c\u061b]+)")


class Token(NamedTuple):
    """A word as written (lower case) and in its one spelling; a stop between sentences has no letters."""

    surface: str
    text: str

    @property
    def stops(self) -> bool:
        """True for a sentence or clause mark: no phrase runs over it."""
        return not self.text


STOP: Final = Token("", "")


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """Return the one spelling of a text; idempotent."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(mark for mark in decomposed if unicodedata.category(mark) != "Mn")
    return unicodedata.normalize("NFC", bare.translate(_LETTERS).translate(_DIGITS)).replace("’", "'")


def tokens(text: str) -> tuple[Token, ...]:
    """Words and stops, in order; masks and numbers are stops, so that no phrase is made with them."""
    composed = unicodedata.normalize("NFC", MASK.sub(" . ", text))
    without_vowel_marks = "".join(mark for mark in composed if unicodedata.category(mark) != "Mn")
    return tuple(_pieces(without_vowel_marks.translate(_DIGITS)))


def _pieces(text: str) -> Iterator[Token]:
    for piece in _PIECES.finditer(text):
        word = piece["word"]
        if word is None or word.isdecimal():
            yield STOP
        else:
            yield Token(word.lower(), normalise(word))
