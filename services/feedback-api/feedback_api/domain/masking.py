"""Masks obvious personal data in free text before it leaves this service.

E-mail addresses, telephone numbers, payment cards, bank accounts (IBAN) and national numbers, written in Latin,
Persian, Arabic-Indic or full-width digits, with or without separators and invisible marks. Every step is linear in
the text.
``mask`` is idempotent: nothing it writes looks like anything it masks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from feedback_api.domain.check_digits import IBAN_LENGTHS, iban
from feedback_api.domain.number_kinds import LONGEST, SHORTEST, Group, after_phone_word, kind_of, starts_with_date

_SUSPECT = re.compile(r"\d|[@\uFF20]|[\[(]\s?at\s?[\])]", re.IGNORECASE)

_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x00AD, 0x00AD),
        (0x061C, 0x061C),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x2064),
        (0x2066, 0x2069),
        (0xFEFF, 0xFEFF),
    )
    for code in range(first, last + 1)
)
_SAME_WIDTH = {
    **{start + value: str(value) for start in (0x0660, 0x06F0, 0xFF10) for value in range(10)},
    **dict.fromkeys(
        (
            0x00A0,
            0x2000,
            0x2001,
            0x2002,
            0x2003,
            0x2004,
            0x2005,
            0x2006,
            0x2007,
            0x2008,
            0x2009,
            0x200A,
            0x202F,
            0x205F,
            0x3000,
            0x09,
        ),
        " ",
    ),
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE58, 0xFF0D), "-"),
    0xFF20: "@",
    0xFF0B: "+",
    0xFF0E: ".",
    0xFF08: "(",
    0xFF09: ")",
}

_AT = r"(?:@| ?[\[(] ?at ?[\])] ?)"
_DOT = r"(?:\.| ?[\[(] ?dot ?[\])] ?)"
_EMAIL = re.compile(
    rf"[\w.!#$%'*+^`{{|}}~-]{{1,64}}{_AT}(?:[^\W_][\w-]{{0,62}}{_DOT}){{1,8}}[^\W\d_]{{2,24}}", re.IGNORECASE
)
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?[0-9]{2}")
_RUN = re.compile(r"\+?\(?[0-9](?:[ ./()-]{0,3}[0-9])+")
_DIGITS = re.compile(r"[0-9]+")
_MOST_GROUPS = 7


@dataclass(frozen=True, slots=True)
class _View:
    """The text as the detectors see it, and where each of its characters stands in the original."""

    text: str
    origin: range | list[int]


@dataclass(frozen=True, slots=True)
class _Find:
    start: int
    end: int
    kind: str


def mask(text: str) -> str:
    """Return the text with personal data replaced by ``[email]``, ``[phone]``, ``[card]``, ``[iban]`` or ``[id]``."""
    while _SUSPECT.search(text):
        masked = _mask_once(text)
        if masked == text:
            break
        text = masked
    return text


def _mask_once(text: str) -> str:
    view = _view(text)
    taken = [False] * len(view.text)
    finds: list[_Find] = []
    for detector in (_emails, _accounts, _numbers):
        for find in detector(view.text):
            if not any(taken[find.start : find.end]):
                taken[find.start : find.end] = [True] * (find.end - find.start)
                finds.append(find)
    return _replace(text, view, sorted(finds, key=lambda find: find.start))


def _view(text: str) -> _View:
    if not _INVISIBLE.isdisjoint(text):
        origin = [index for index, character in enumerate(text) if character not in _INVISIBLE]
        return _View("".join(text[index] for index in origin).translate(_SAME_WIDTH), origin)
    return _View(text.translate(_SAME_WIDTH), range(len(text)))


def _replace(text: str, view: _View, finds: list[_Find]) -> str:
    parts: list[str] = []
    done = 0
    for find in finds:
        start, last = view.origin[find.start], view.origin[find.end - 1]
        parts += (text[done:start], f"[{find.kind}]")
        done = last + 1
    return "".join((*parts, text[done:]))


def _emails(text: str) -> Iterator[_Find]:
    if "@" in text or "at" in text or "AT" in text or "At" in text:
        for match in _EMAIL.finditer(text):
            yield _Find(match.start(), match.end(), "email")


def _accounts(text: str) -> Iterator[_Find]:
    for match in _ACCOUNT.finditer(text):
        length = IBAN_LENGTHS.get(text[match.start() : match.start() + 2].upper())
        end = length and _end_of_account(text, match.start(), length)
        if end and iban("".join(filter(str.isalnum, text[match.start() : end]))):
            yield _Find(match.start(), end, "iban")


def _end_of_account(text: str, start: int, length: int) -> int | None:
    """Return where ``length`` ASCII letters and digits end that have at most one separator between two of them."""
    seen, gap = 0, 0
    for index in range(start, min(len(text), start + 2 * length)):
        character = text[index]
        if character.isascii() and character.isalnum():
            seen, gap = seen + 1, 0
            if seen == length:
                return index + 1
        elif character in " -." and gap == 0:
            gap = 1
        else:
            return None
    return None


def _numbers(text: str) -> Iterator[_Find]:
    for match in _RUN.finditer(text):
        if match.end() - match.start() >= SHORTEST:
            yield from _numbers_in(text, _groups(text, match.start(), match.end()))


def _groups(text: str, start: int, end: int) -> list[Group]:
    """Split a run into its groups of digits; single digits in a row ("6 9 1 2 …") are read as one group."""
    groups: list[Group] = []
    for match in _DIGITS.finditer(text, start, end):
        digits = match[0]
        previous = groups[-1] if groups else None
        if previous and len(digits) == 1 and previous.spelled and match.start() - previous.end <= 2:
            groups[-1] = Group(previous.start, match.end(), previous.digits + digits, text, spelled=True)
        else:
            groups.append(Group(match.start(), match.end(), digits, text, spelled=len(digits) == 1))
    return groups


def _numbers_in(text: str, groups: list[Group]) -> Iterator[_Find]:
    first = 0
    while first < len(groups):
        last, kind = _longest(groups, first)
        if kind:
            start = _with_prefix(text, groups[first].start)
            yield _Find(start, groups[last].end, kind)
        first = last + 1


def _longest(groups: list[Group], first: int) -> tuple[int, str | None]:
    """Return the last group and the kind of the longest number that starts with this group."""
    if first + 3 <= len(groups) and starts_with_date(groups[first : first + 3]):
        return first + 2, None
    total, last = 0, first
    while last < len(groups) and last - first < _MOST_GROUPS and total + len(groups[last].digits) <= LONGEST:
        total += len(groups[last].digits)
        last += 1
    if total < SHORTEST:
        return first, None
    announced = after_phone_word(groups[first])
    for end in range(last, first, -1):
        kind = kind_of(groups[first:end], announced=announced)
        if kind:
            return end - 1, kind
    return first, None


def _with_prefix(text: str, start: int) -> int:
    """Take ``+`` and an opening bracket into the masked part."""
    while start > 0 and text[start - 1] in "+(":
        start -= 1
    return start
