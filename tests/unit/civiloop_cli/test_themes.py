import io
from typing import Any

import pytest
from rich.console import Console

from civiloop_cli.commands.themes import themes_shown

PAYMENT: dict[str, Any] = {
    "theme": "payment",
    "title": {"en": "Payment", "el": "Πληρωμή"},
    "n": 48,
    "share": 0.2264,
    "mean": 1.62,
    "impact": 0.412,
    "state": "rising",
    "quotes": [{"text": "The payment page froze twice.", "language": "en", "publishable": False}],
}


def printed(*found: dict[str, Any]) -> str:
    out = io.StringIO()
    shown = {"comments": 212, "languages": {"el": 150, "en": 62}, "themes": list(found)}
    Console(file=out, width=120).print(themes_shown(shown))
    return out.getvalue()


@pytest.mark.requirement("C5")
def test_a_theme_is_shown_with_volume_mean_cost_movement_and_quotes() -> None:
    head, _, row, quote, warning = (line.rstrip() for line in printed(PAYMENT).splitlines())

    assert head == "212 comments (150 el, 62 en)"
    assert row.split() == ["Payment", "48", "22.6", "%", "1.6", "+0.41", "rising"]
    assert quote == "Payment: The payment page froze twice."
    assert warning == "Quotes are not for publication."


def test_a_theme_without_ratings_shows_no_cost() -> None:
    bare = {**PAYMENT, "mean": None, "impact": None, "quotes": []}

    assert "+" not in printed(bare)


def test_no_themes_are_said_to_be_none() -> None:
    assert "No theme in ten comments or more." in printed()
