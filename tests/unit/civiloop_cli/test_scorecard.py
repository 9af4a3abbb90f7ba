"""A scorecard in the terminal says what each verdict is about, where that is not the period of the numbers."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from civiloop_cli.scorecard import scorecard_table

SHOWN = {"start": "2026-10-29T22:00:00Z", "end": "2026-11-28T22:00:00Z", "zone": "Europe/Athens"}
QUARTER = {"start": "2026-09-30T21:00:00Z", "end": "2026-12-31T22:00:00Z", "zone": "Europe/Athens"}
OCTOBER = {"start": "2026-09-30T21:00:00Z", "end": "2026-10-31T22:00:00Z", "zone": "Europe/Athens"}


def target(verdict: str, judged: str, period: dict[str, str], *, cut: str = "") -> dict[str, Any]:
    about = {"cut": cut, "period": period}
    wanted = {"kpi": "csat", "comparison": "at_least", "threshold": 80.0, "at_risk": None}
    return {**wanted, "verdict": verdict, "judged": judged, "result": about}


def shown(*targets: dict[str, Any], closed: bool = False, benchmarks: tuple[dict[str, Any], ...] = ()) -> str:
    csat = {"kpi": "csat", "unit": "%", "state": "ok", "value": 85.0, "n": 300, "interval": {"low": 81.0, "high": 88.0}}
    card = {"service": "parking", "period": SHOWN, "closed": closed, "results": [csat], "targets": targets}
    console = Console(width=180, record=True, quiet=False, file=None)
    with console.capture() as captured:
        console.print(scorecard_table({**card, "benchmarks": benchmarks}))
    return captured.get()


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (target("met", "at_every_look", QUARTER), "met since 2026-10-01"),
        (target("missed", "at_period_end", OCTOBER), "missed up to 2026-10-31"),
        (target("missed", "at_period_end", SHOWN), "missed\n"),
        (target("not_enough_data", "at_period_end", OCTOBER), "not enough data\n"),
    ],
)
def test_a_status_says_since_when_or_up_to_when_it_is_about(one: dict[str, Any], said: str) -> None:
    lines = "".join(f"{line.rstrip()}\n" for line in shown(one).splitlines())
    assert said in lines


def test_a_target_of_one_channel_is_not_the_one_of_the_total() -> None:
    total, phone = (
        target("met", "at_every_look", QUARTER),
        target("missed", "at_every_look", QUARTER, cut="channel=phone"),
    )
    assert "met since" in shown(total, phone)


def test_open_periods_say_that_their_intervals_are_for_one_look() -> None:
    assert "not for repeated looks" in shown()
    assert "not for repeated looks" not in shown(closed=True)


def test_a_benchmark_names_the_period_that_left_it() -> None:
    left = {"benchmark": "redesign", "verdict": "keep", "draft": False, "explanation": "Keep it.", "period": OCTOBER}
    assert "redesign: keep, 2026-10-01 to 2026-10-31 (Europe/Athens)" in shown(benchmarks=(left,))
