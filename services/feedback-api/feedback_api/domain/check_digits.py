"""Numbers that carry their own proof: payment cards, bank accounts and national numbers.

Every function takes ASCII digits (or an IBAN of ASCII letters and digits) without separators.
"""

from __future__ import annotations

_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_COUNTRIES_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IR IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}

IBAN_LENGTHS = {country: length for length, countries in _COUNTRIES_BY_LENGTH.items() for country in countries.split()}
"""Length of an IBAN by country, from the SWIFT IBAN registry; IR as the central bank of Iran publishes it."""


def luhn(digits: str) -> bool:
    """Say whether the last digit proves the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        total += _LUHN_DOUBLED[value] if position % 2 else value
    return total % 10 == 0


def payment_card(digits: str) -> bool:
    """Say whether these are 13 to 19 digits of a payment card."""
    return 13 <= len(digits) <= 19 and digits.strip("0") != "" and luhn(digits)


def iban(text: str) -> bool:
    """Say whether this is an IBAN: length of its country and remainder 1 modulo 97 (ISO 13616)."""
    upper = text.upper()
    if IBAN_LENGTHS.get(upper[:2]) != len(upper):
        return False
    rearranged = upper[4:] + upper[:4]
    return int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1


def greek_tax_number(digits: str) -> bool:
    """Say whether this is an AFM: nine digits, powers of two modulo 11."""
    if len(digits) != 9 or digits == "000000000":
        return False
    total = 0
    for digit in digits[:8]:
        total = total * 2 + int(digit)
    return total * 2 % 11 % 10 == int(digits[8])


def greek_insurance_number(digits: str) -> bool:
    """Say whether this is an AMKA: a date of birth (ddmmyy), four digits and a Luhn digit."""
    if len(digits) != 11:
        return False
    day, month = int(digits[:2]), int(digits[2:4])
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and luhn(digits)


def iranian_national_number(digits: str) -> bool:
    """Say whether this is a melli code: ten digits, weights 10 to 2 modulo 11."""
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return int(digits[9]) == (rest if rest < 2 else 11 - rest)


def dutch_citizen_number(digits: str) -> bool:
    """Say whether this is a BSN: nine digits that pass the eleven test."""
    if len(digits) != 9 or digits == "000000000":
        return False
    weighted = sum(int(digit) * weight for digit, weight in zip(digits[:8], range(9, 1, -1), strict=True))
    return (weighted - int(digits[8])) % 11 == 0
