"""The health card in the terminal."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from civiloop_cli.commands.health import card_lines

TARGETS = {"met": 1, "missed": 1, "too_close_to_call": 0, "not_enough_data": 0, "not_measured": 0}
NONE = {"kpis": 0, "with_value": 0}
CARD: dict[str, Any] = {
    "service": "parking-permit",
    "evaluation": {
        "number": 7,
        "period": {"start": "2026-09-30T22:00:00Z", "end": "2026-10-31T22:00:00Z", "zone": "Europe/Athens"},
    },
    "flavours": [
        {"family": "it_performance", "it_kind": "process", **NONE, "aspects": {}, "targets": {}},
        {
            "family": "customer_satisfaction",
            "it_kind": None,
            "kpis": 2,
            "with_value": 1,
            "aspects": {"effectiveness": {"kpis": 2, "with_value": 1}, "efficiency": NONE},
            "targets": TARGETS,
        },
    ],
    "aims": [
        {"aim": "needs", "question": "Are needs met?", "answer": "partly", "because": "1 of 2 [goals] are reached"}
    ],
    "steps": [
        {"step": "define", "question": "Define", "answer": "yes", "because": "1 of 1 goals have a target"},
        {"step": "select", "question": "Select", "answer": "not_evidenced", "because": "nothing"},
    ],
    "stands_at": "select",
}


def plain(card: dict[str, Any]) -> list[str]:
    return [Text.from_markup(line).plain for line in card_lines(card)]


def test_the_card_says_what_is_measured_what_is_not_and_where_the_process_stands() -> None:
    lines = plain(CARD)
    assert "  it performance (process): no KPI" in lines
    assert "  customer satisfaction: 1 of 2 KPIs have a value (2 effectiveness); 1 of 2 targets met, 1 missed" in lines
    assert "  Are needs met?  partly: 1 of 2 [goals] are reached" in lines
    assert lines[-1] == "  2 Select  not evidenced: nothing  ← stands here"


def test_a_service_without_an_evaluation_is_said_to_have_none() -> None:
    assert plain({**CARD, "evaluation": None})[0] == "parking-permit  never evaluated"
