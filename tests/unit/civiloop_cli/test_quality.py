import io
from typing import Any

from rich.console import Console

from civiloop_cli.commands.quality import quality_report

REPORT: dict[str, Any] = {
    "checks": [
        {"state": "ok", "statement": "No journey ends before it starts."},
        {"state": "fault", "statement": "The source is silent."},
    ],
    "out_of_order": [
        {"kind": "after_end", "step": "pay", "journeys": 1_400},
        {"kind": "end_before_start", "step": None, "journeys": 2},
    ],
    "response": {"answers": 53, "users": 84_000, "rate": 53 / 84_000},
    "respondents": [
        {
            "differs": True,
            "groups": [
                {"cut": "channel=web", "user_share": 0.7, "answer_share": 0.95, "standardised_difference": 0.7},
                {"cut": "channel=app", "user_share": 0.1, "answer_share": 0.1, "standardised_difference": 0.0},
            ],
        }
    ],
}


def test_faults_come_first_then_what_is_out_of_order_then_the_response_rate_and_who_is_over_represented() -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(quality_report(REPORT))
    lines = [line.strip() for line in out.getvalue().splitlines()]
    assert lines == [
        "fault The source is silent.",
        "ok    No journey ends before it starts.",
        "after end: 1,400 journeys at pay",
        "end before start: 2 journeys at no step",
        "Response rate: 0.1 % (53 answers of 84,000 users).",
        "channel=web: 70.0% of users, 95.0% of answers",
    ]
