"""The words of the public pages in each language, and its numbers and dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from civiloop_shared.contracts.evaluations import Period

LANGUAGES = ("en", "el", "fa")
_DIGITS = {"fa": "۰۱۲۳۴۵۶۷۸۹"}
"""Digits where they are not 0 to 9: Babel localises separators, not digits."""


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
        return self.digits(format_decimal(value, format=pattern, locale=self.locale, numbering_system="default"))

    def title_of(self, titles: dict[str, str]) -> str:
        """Return the title in this language, else in English, else in any."""
        return titles.get(self.language) or titles.get("en") or next(iter(titles.values()), "")

    def period(self, period: Period) -> str:
        """Name a period: a month by its name, else by its first and last day."""
        zone = ZoneInfo(period.zone)
        start, end = period.start.astimezone(zone), period.end.astimezone(zone)
        if _is_month(start, end):
            return self.digits(format_date(start.date(), "LLLL y", locale=self.locale))
        return f"{self.day(start)} – {self.day(datetime.fromtimestamp(end.timestamp() - 1, zone))}"

    def day(self, at: datetime) -> str:
        """Return a date in words."""
        return self.digits(format_date(at.date(), "long", locale=self.locale))

    def instant(self, at: datetime) -> str:
        """Return a date and time in words, in UTC."""
        return self.digits(format_datetime(at, "d MMMM y, HH:mm", locale=self.locale)) + " UTC"

    def digits(self, text: str) -> str:
        """Return the text with the digits of this language."""
        return text.translate(str.maketrans("0123456789", _DIGITS[self.language])) if self.language in _DIGITS else text


def _is_month(start: datetime, end: datetime) -> bool:
    following = (start.year + start.month // 12, start.month % 12 + 1, 1)
    return (start.day, start.hour, start.minute) == (1, 0, 0) and (end.year, end.month, end.day) == following


@cache
def wording(language: str) -> Wording:
    """Return the wording of one of ``LANGUAGES``."""
    return Wording(language, Locale.parse(language), _texts(language))


def _texts(language: str) -> dict[str, str]:
    if language == "en":
        return {}
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
