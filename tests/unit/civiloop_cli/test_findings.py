import io
from typing import Any

import pytest
from rich.console import Console

from civiloop_cli.commands.findings import findings_list

HOT: dict[str, Any] = {
    "kind": "hot_step",
    "tone": "problem",
    "statement": "At the step “payment” 78 of 879 journeys were given up.",
    "status": "recurring",
    "times": 3,
    "of_evaluations": 6,
    "q_value": 0.00012,
    "last_end": "2026-11-01T00:00:00Z",
}


def printed(*found: dict[str, Any]) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(findings_list(list(found)))
    return out.getvalue()


@pytest.mark.requirement("A8")
def test_a_finding_is_its_sentence_with_how_often_it_came_and_how_sure_it_is() -> None:
    assert printed(HOT).split("\n")[:2] == [
        "hot step  in 3 of 6 evaluations, q = 0.00012",
        "  At the step “payment” 78 of 879 journeys were given up." + " " * 143,
    ]


def test_a_past_finding_says_when_it_was_seen_last() -> None:
    assert "past, last seen 2026-11-01" in printed({**HOT, "status": "past", "q_value": None})


def test_no_findings_are_said_to_be_none() -> None:
    assert printed() == "No findings.\n"
