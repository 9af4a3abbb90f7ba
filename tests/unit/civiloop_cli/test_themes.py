import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from civiloop_cli.commands.themes import phrases_shown, themes_shown

PAYMENT: dict[str, Any] = {
    "theme": "payment",
    "title": {"en": "Payment", "el": "Πληρωμή"},
    "n": 48,
    "share": 0.2264,
    "mean": 1.62,
    "impact": 0.412,
    "state": "rising",
    "quotes": [{"id": "9f2c", "text": "The payment page froze twice.", "language": "en", "publishable": False}],
}


PAD: dict[str, Any] = {
    "name": "signature pad",
    "language": "en",
    "n": 14,
    "of": 140,
    "other_n": 3,
    "other_of": 120,
    "theme": "technical",
    "quotes": [{"id": "77aa", "text": "The signature pad was broken.", "language": "en", "publishable": True}],
}


def printed(*found: dict[str, Any], outdated: int = 0) -> str:
    shown = {"comments": 212, "languages": {"el": 150, "en": 62}, "themes": list(found)}
    return text_of(themes_shown({**shown, "taxonomy": {"outdated": outdated}}))


def text_of(shown: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(shown)
    return out.getvalue()


@pytest.mark.requirement("C5")
def test_a_theme_is_shown_with_volume_mean_cost_movement_and_quotes() -> None:
    head, _, row, quote, warning = (line.rstrip() for line in printed(PAYMENT).splitlines())

    assert head == "212 comments (150 el, 62 en)"
    assert row.split() == ["Payment", "48", "22.6", "%", "1.6", "+0.41", "rising"]
    assert quote == "Payment: The payment page froze twice.  [9f2c]"
    assert warning == "Quotes are not for publication, unless a steward released them: `civiloop quotes release`."


def test_a_theme_without_ratings_shows_no_cost() -> None:
    bare = {**PAYMENT, "mean": None, "impact": None, "quotes": []}

    assert "+" not in printed(bare)


def test_no_themes_are_said_to_be_none() -> None:
    assert "No theme in ten comments or more." in printed()


def test_comments_that_were_read_with_another_taxonomy_are_told() -> None:
    assert "12 comments were read with another taxonomy" in printed(PAYMENT, outdated=12)
    assert "another taxonomy" not in printed(PAYMENT)


def test_phrases_are_shown_in_two_comparisons_with_shares_theme_and_quotes() -> None:
    found = {
        "most_comments": 2000,
        "against_before": {"comments": 140, "others": 120, "phrases": [PAD]},
        "low_against_high": {"comments": 30, "others": 80, "phrases": []},
    }

    first, _, row, quote, _, second, nothing, most = (
        line.rstrip() for line in text_of(phrases_shown(found)).splitlines()
    )

    assert first == "140 comments against 120 of the periods before"
    assert row.split() == ["signature", "pad", "en", "14", "10.0", "%", "2.5", "%", "technical"]
    assert quote == "signature pad: The signature pad was broken.  [77aa]  (public)"
    assert second == "30 comments with a low score against 80 with a high one"
    assert nothing == "Nothing stands out in ten comments or more."
    assert most == "Looked at: the newest 2,000 comments on each side."
