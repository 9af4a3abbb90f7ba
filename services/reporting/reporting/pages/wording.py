"""The words of the public pages in each language, and its numbers and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_precision,
    get_decimal_symbol,
    get_group_symbol,
)

from civiloop_shared.contracts.evaluations import Period
from reporting.domain.jalali import jalali

LANGUAGES = ("en", "el", "fa")
_DIGITS = {"fa": "۰۱۲۳۴۵۶۷۸۹"}
"""Digits where they are not 0 to 9: Babel localises separators, not digits."""
_ENGLISH = {"third_party": "third party", "email": "e-mail", "sms": "text message"}
"""English words for what the data name otherwise."""
_DECIMALS = re.compile(r"(?<=#,##0)\.0+")
_JALALI_MONTHS = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: its texts by English original, and how it writes numbers and dates."""

    language: str
    locale: Locale
    texts: dict[str, str]

    @property
    def direction(self) -> str:
        """Return ``rtl`` or ``ltr``."""
        return self.locale.text_direction

    @property
    def name(self) -> str:
        """Return the language's own name for itself."""
        return self.locale.get_display_name() or self.language

    def __call__(self, original: str, **values: object) -> str:
        """Return the text in this language with the values filled in."""
        text = self.texts.get(original) or original
        return text.format(**values) if values else text

    def number(self, value: float, decimals: int = 1) -> str:
        """Return a number as this language writes it, with at most so many decimals."""
        pattern = "#,##0." + "#" * decimals if decimals else "#,##0"
        written = format_decimal(abs(value), format=pattern, locale=self.locale, numbering_system="default")
        return self.digits(self._minus + written if value < 0 and written.strip("0.,") else written)

    @property
    def _minus(self) -> str:
        """Return the sign, held to the left of its number where text runs from the right."""
        return "\u200e\u2212" if self.direction == "rtl" else "\u2212"

    def money(self, value: float, currency: str, decimals: int = 2) -> str:
        """Return an amount of money as this language writes it, with at least the currency's own decimals."""
        usual = get_currency_precision(currency)
        pattern = self.locale.currency_formats["standard"].pattern
        whole = _DECIMALS.sub("", pattern)
        if decimals > usual:
            pattern = whole.replace("#,##0", "#,##0." + "0" * decimals)
            written = format_currency(
                *(value, currency, pattern), locale=self.locale, currency_digits=False, numbering_system="default"
            )
        else:
            written = format_currency(value, currency, locale=self.locale, numbering_system="default")
        return self.digits(written)

    @property
    def number_format(self) -> dict[str, Any]:
        """Return how this language writes numbers, as d3-format takes it."""
        return {
            "decimal": get_decimal_symbol(self.locale),
            "thousands": get_group_symbol(self.locale),
            "grouping": [3],
            "currency": ["", ""],
            "numerals": list(_DIGITS.get(self.language, "0123456789")),
        }

    def title_of(self, titles: dict[str, str]) -> str:
        """Return the title in this language, else in English, else in any."""
        return titles.get(self.language) or titles.get("en") or next(iter(titles.values()), "")

    def language_of(self, titles: dict[str, str]) -> str:
        """Return the language in which ``title_of`` gives the title."""
        return next((one for one in (self.language, "en") if one in titles), next(iter(titles), self.language))

    def period(self, period: Period) -> str:
        """Name a period: a month by its name, else by its first and last day."""
        start, end = _in_zone(period)
        if _is_month(start, end):
            return self.digits(format_date(start.date(), "LLLL y", locale=self.locale))
        return f"{self.day(start)} – {self.day(_last_moment(end))}"

    def period_in_full(self, period: Period) -> str:
        """Name a period; a month of another calendar than the reader's by its days too."""
        start, end = _in_zone(period)
        if self.language != "fa" or not _is_month(start, end):
            return self.period(period)
        return f"{self.period(period)} ({self.day(start)} تا {self.day(_last_moment(end))})"

    def period_in_short(self, period: Period) -> str:
        """Name a period under a chart."""
        start, end = _in_zone(period)
        pattern = "LLL yy" if _is_month(start, end) else "d LLL yy"
        return self.digits(format_date(start.date(), pattern, locale=self.locale))

    def day(self, at: datetime) -> str:
        """Return a date in words; in Persian by the calendar of Iran and Afghanistan."""
        if self.language == "fa":
            year, month, day = jalali(at.date())
            return self.digits(f"{day} {_JALALI_MONTHS[month - 1]} {year}")
        return format_date(at.date(), "long", locale=self.locale)

    def digits(self, text: str) -> str:
        """Return the text with the digits of this language."""
        return text.translate(str.maketrans("0123456789", _DIGITS[self.language])) if self.language in _DIGITS else text


def _in_zone(period: Period) -> tuple[datetime, datetime]:
    zone = ZoneInfo(period.zone)
    return period.start.astimezone(zone), period.end.astimezone(zone)


def _last_moment(end: datetime) -> datetime:
    return datetime.fromtimestamp(end.timestamp() - 1, end.tzinfo)


def _is_month(start: datetime, end: datetime) -> bool:
    following = (start.year + start.month // 12, start.month % 12 + 1, 1)
    return (start.day, start.hour, start.minute) == (1, 0, 0) and (end.year, end.month, end.day) == following


@cache
def wording(language: str) -> Wording:
    """Return the wording of one of ``LANGUAGES``."""
    return Wording(language, Locale.parse(language), _texts(language))


def _texts(language: str) -> dict[str, str]:
    if language == "en":
        return dict(_ENGLISH)
    path = files("reporting") / "translations" / f"{language}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    return {str(message.id): str(message.string) for message in catalogue if message.id and message.string}


def best_language(asked: str | None, accepted: str) -> str:
    """Choose a language: the one that was asked for, else the first accepted one that we have, else English."""
    if asked in LANGUAGES:
        return asked
    for part in accepted.split(","):
        primary = part.partition(";")[0].strip().partition("-")[0].lower()
        if primary in LANGUAGES:
            return primary
    return "en"
