import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import reporting.pages
from civiloop_shared.contracts.evaluations import Period
from civiloop_shared.contracts.values import Channel
from reporting.pages import sentences
from reporting.pages.wording import LANGUAGES, best_language, wording

_USED = re.compile(r"""words\(\s*["']([^"']+)["']\s*[,)]""")


def originals() -> set[str]:
    """Return every English original that a page can show."""
    folder = Path(str(files(reporting.pages)))
    found = {text for path in folder.rglob("*.html") for text in _USED.findall(path.read_text(encoding="utf-8"))}
    found |= set(_USED.findall((folder / "sentences.py").read_text(encoding="utf-8")))
    found |= (
        set(sentences._STATES.values()) | set(sentences._VERDICTS.values()) | set(sentences._CLAUSE_STATES.values())
    )
    found |= {text for pair in (*sentences._REDESIGN.values(), sentences._NO_VERDICT) for text in pair}
    found |= {text for _, _, text in sentences._DURATIONS} | set(sentences._UNITS.values())
    found |= set(sentences._LEVELS.values()) | set(sentences._DIMENSIONS.values()) | {"{n} answers", "{n} cases"}
    found |= {"yes", "no"}
    return found | {channel.value for channel in Channel}


@pytest.mark.requirement("B16")
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    texts = wording(language).texts

    assert originals() - texts.keys() == set()


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_translation_keeps_every_placeholder(language: str) -> None:
    for original, text in wording(language).texts.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", original)), original


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_translation_is_left_that_nothing_uses(language: str) -> None:
    assert wording(language).texts.keys() - originals() == set()


@pytest.mark.requirement("B16")
def test_persian_runs_right_to_left_in_its_own_digits() -> None:
    words = wording("fa")

    assert words.direction == "rtl"
    assert words.number(1234.5) == "۱٬۲۳۴٫۵"


def test_a_value_just_below_its_target_is_not_rounded_onto_it() -> None:
    assert sentences.amount(7.96, "score", wording("en"), beside=8.0) == "7.96"
    assert sentences.amount(79.96, "%", wording("en"), beside=80.0) == "79.96 of 100"


def test_a_month_has_its_name_and_other_periods_their_days() -> None:
    athens = ZoneInfo("Europe/Athens")
    month = Period(
        start=datetime(2026, 10, 1, tzinfo=athens), end=datetime(2026, 11, 1, tzinfo=athens), zone="Europe/Athens"
    )
    week = Period(start=datetime(2026, 10, 5, tzinfo=UTC), end=datetime(2026, 10, 12, tzinfo=UTC), zone="UTC")

    assert wording("en").period(month) == "October 2026"
    assert wording("en").period(week) == "October 5, 2026 – October 11, 2026"


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("fa", "el", "fa"),
        (None, "el-GR,en;q=0.5", "el"),
        (None, "de,fr;q=0.9", "en"),
        ("xx", "fa-IR", "fa"),
        (None, "", "en"),
    ],
)
def test_the_page_comes_in_the_language_asked_for_else_in_an_accepted_one(
    asked: str | None, accepted: str, language: str
) -> None:
    assert best_language(asked, accepted) == language


def test_a_month_in_persian_is_told_by_its_days_too() -> None:
    athens = ZoneInfo("Europe/Athens")
    month = Period(
        start=datetime(2026, 10, 1, tzinfo=athens), end=datetime(2026, 11, 1, tzinfo=athens), zone="Europe/Athens"
    )

    assert wording("fa").period_in_full(month) == "اکتبر ۲۰۲۶ (۹ مهر ۱۴۰۵ تا ۹ آبان ۱۴۰۵)"
    assert wording("el").period_in_full(month) == "Οκτώβριος 2026"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (81.25, "%", "81.2 of 100"),
        (-34.2, "points", "−34.2 points"),
        (13.4, "days", "13.4 days"),
        (1.5, "days", "36 hours"),
        (1 / 96, "days", "15 minutes"),
        (23.849, "EUR", "€23.85"),
    ],
)
def test_a_value_is_written_in_the_size_that_reads_best(value: float, unit: str, text: str) -> None:
    assert sentences.amount(value, unit, wording("en")) == text


def test_a_duration_beside_its_target_stays_on_its_side_in_any_size() -> None:
    assert sentences.amount(1.0004, "days", wording("en"), beside=1.0) == "24.01 hours"


def test_money_is_written_as_each_language_does() -> None:
    assert wording("el").money(1234.5, "EUR") == "1.234,50\xa0€"
    assert wording("fa").money(1234.5, "EUR") == "\u200e€\xa0۱٬۲۳۴٫۵۰"


def test_a_negative_number_keeps_its_sign_on_the_left_in_persian() -> None:
    assert wording("fa").number(-76.3) == "\u200e−۷۶٫۳"
    assert wording("en").number(-0.04) == "0"
