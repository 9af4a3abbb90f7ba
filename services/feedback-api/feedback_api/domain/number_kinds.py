"""What a number in a text is: a telephone number, a payment card, a national number, or nothing we know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from feedback_api.domain.check_digits import (
    dutch_citizen_number,
    greek_insurance_number,
    greek_tax_number,
    iranian_national_number,
    payment_card,
)

LONGEST = 19
"""Digits of the longest number that is looked for."""

SHORTEST = 6
"""Digits of the shortest number that is looked for."""

_PHONE_WORD = re.compile(
    r"(?<!\[)(?:phone|mobile|\btel|\bcell|\bcall|telefoon|\bmobiel|τηλ|κιν|تلفن|موبایل|تماس|همراه|هاتف)\w*[\W_]*\Z",
    re.IGNORECASE,
)
_PHONE_CONTEXT = 24
_DATE_SEPARATORS = frozenset("-/.")
_ID_SEPARATORS = frozenset(" -")
_COUNTRY_CODES = ("30", "31", "32", "33", "34", "39", "44", "49", "90", "98")


@dataclass(frozen=True, slots=True)
class Group:
    """Digits that stand together in ``text`` from ``start`` to ``end``; ``spelled``: single digits with gaps."""

    start: int
    end: int
    digits: str
    text: str
    spelled: bool = False


def kind_of(groups: list[Group], *, announced: bool) -> str | None:
    """Return the kind of the number that these groups make together: ``phone``, ``card`` or ``id``; None for none.

    ``announced``: a word such as "tel" stands before it (``after_phone_word``).
    """
    digits = groups[0].digits if len(groups) == 1 else "".join(group.digits for group in groups)
    length = len(digits)
    if length < SHORTEST:
        return None
    if _is_international(groups[0], digits):
        return "phone"
    if length >= 13 and payment_card(digits):
        return "card"
    if 9 <= length <= 11 and _is_national_number(groups, digits):
        return "id"
    return "phone" if (announced and length <= 15) or _is_phone(groups, digits) else None


def starts_with_date(groups: list[Group]) -> bool:
    """Say whether the first three groups are a date such as 2026-11-24 or 3/9/1405: a number that is no one's."""
    one, two, three = groups
    separator = one.text[one.end : two.start]
    if separator not in _DATE_SEPARATORS or separator != one.text[two.end : three.start]:
        return False
    if len(two.digits) > 2 or not 1 <= int(two.digits) <= 31:
        return False
    return (_is_year(one.digits) and len(three.digits) <= 2) or (_is_year(three.digits) and len(one.digits) <= 2)


def after_phone_word(first: Group) -> bool:
    """Say whether a word for a telephone stands right before this group."""
    before = first.text[max(0, first.start - _PHONE_CONTEXT) : first.start]
    return _PHONE_WORD.search(before) is not None


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and (digits[:2] in {"13", "14", "19", "20"})


def _is_international(first: Group, digits: str) -> bool:
    start, text = first.start, first.text
    plus = text[max(0, start - 2) : start].rstrip("(").endswith("+")
    return (plus and 8 <= len(digits) <= 15) or (digits.startswith("00") and 10 <= len(digits) <= 17)


def _is_national_number(groups: list[Group], digits: str) -> bool:
    text = groups[0].text
    if any(text[one.end : other.start] not in _ID_SEPARATORS for one, other in pairwise(groups)):
        return False
    match len(digits):
        case 9:
            return greek_tax_number(digits) or dutch_citizen_number(digits) or _is_social_security(groups)
        case 10:
            return iranian_national_number(digits)
        case 11:
            return greek_insurance_number(digits)
        case _:
            return False


def _is_social_security(groups: list[Group]) -> bool:
    """Say whether this is written as a US SSN, ddd-dd-dddd: it has no check digit, so only its form tells."""
    if [len(group.digits) for group in groups] != [3, 2, 4]:
        return False
    area, middle, serial = (group.digits for group in groups)
    return area not in {"000", "666"} and area[0] != "9" and middle != "00" and serial != "0000"


def _is_phone(groups: list[Group], digits: str) -> bool:
    length = len(digits)
    if digits[0] == "0":
        return 9 <= length <= 12 and digits[1] != "0"
    if length == 10:
        shape = [len(group.digits) for group in groups]
        return digits[0] in "29" or digits.startswith("69") or shape == [3, 3, 4]
    if length == 11 and digits[0] == "1":
        return [len(group.digits) for group in groups] == [1, 3, 3, 4]
    return 11 <= length <= 12 and digits.startswith(_COUNTRY_CODES)
