from datetime import date, timedelta
from typing import Any

import pytest

from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.kpi_catalogue import BY_ID, COMPLETED, STARTED
from evaluation_engine.domain.quality import checks
from evaluation_engine.domain.quality.checks import SenderTotals
from evaluation_engine.domain.quality.flood import flood
from evaluation_engine.domain.quality.respondents import compare, standardised
from evaluation_engine.domain.result import evaluate
from tests.unit.evaluation_engine.domain.evidences import evidence

LAST = date(2026, 10, 31)
DAY_MS = 86_400_000


def each_day(n: int, days: int = 40, **over: int) -> dict[date, int]:
    found = {LAST - timedelta(days=back): n for back in range(days)}
    return found | {LAST - timedelta(days=int(name[1:])): count for name, count in over.items()}


@pytest.mark.requirement("E5.3.3")
def test_respondents_unlike_the_users_differ_and_are_weighted_to_them() -> None:
    cuts = {
        "channel=web": {"e.completed": 500, "answers": 180, "rating.5": 150, "rating.1": 30},
        "channel=phone": {"e.completed": 500, "answers": 40, "rating.5": 10, "rating.1": 30},
    }
    found = compare("channel", cuts)
    assert found is not None
    assert found.large
    assert found.p_value < 1e-10
    assert found.satisfied == pytest.approx(160 / 220)
    assert found.weighted == pytest.approx((150 / 180 + 10 / 40) / 2)


def test_respondents_like_the_users_do_not_differ() -> None:
    cuts = {f"language={n}": {"e.completed": 500, "answers": 100} for n in ("el", "en")}
    found = compare("language", cuts)
    assert found is not None
    assert not found.large
    assert found.p_value == 1.0
    assert found.satisfied is None


@pytest.mark.parametrize(
    "cuts",
    [
        {},
        {"a=1": {"e.completed": 500, "answers": 500}},
        {"a=1": {"e.completed": 50, "answers": 500}, "a=2": {"e.completed": 49}},
        {"a=1": {"e.completed": 500, "answers": 50}, "a=2": {"e.completed": 500, "answers": 49}},
    ],
    ids=["nothing", "one group", "few users", "few answers"],
)
def test_too_little_is_not_compared(cuts: Any) -> None:
    assert compare("a", cuts) is None


def test_a_standardised_difference_is_in_standard_deviations() -> None:
    assert standardised(0.6, 0.4) == pytest.approx(0.2 / (0.24**0.5))
    assert standardised(0.0, 0.0) == 0.0


def test_a_day_far_above_the_weeks_before_is_a_flood() -> None:
    found = flood(each_day(20, d2=400), {}, LAST)
    assert found is not None
    assert (found.day, found.events, found.usual) == (LAST - timedelta(days=2), 400, 20)


@pytest.mark.parametrize(
    "by_day",
    [each_day(20), each_day(20, d2=45), each_day(400, days=5), {}],
    ids=["flat", "a busy day", "an import into nothing", "nothing"],
)
def test_no_flood_where_nothing_is_sudden(by_day: dict[date, int]) -> None:
    assert flood(by_day, {}, LAST) is None


def test_who_is_new_and_sends_more_than_all_used_to_is_a_flood() -> None:
    assert flood({LAST: 900}, each_day(50), LAST) is not None
    assert flood({LAST: 60}, each_day(50), LAST) is None


def test_a_flood_is_told_with_who_sent_it() -> None:
    [one] = checks.floods("key", {"urn:a": each_day(20, d1=500), "urn:b": each_day(20)}, LAST)
    assert (one.check, one.about, one.state) == ("flood_from_key", "urn:a", "warning")
    assert one.statement == "500 events from urn:a on 2026-10-30, where 20 a day are usual."


def test_clocks_that_are_ahead_are_told_by_their_sender() -> None:
    late = SenderTotals("telemetry.journeys", "urn:a", {LAST: 100}, 40, 3_600_000)
    fine = SenderTotals("telemetry.journeys", "urn:b", {LAST: 100}, 0, 0)
    [one] = checks.clocks([late, fine])
    assert (one.about, one.state) == ("urn:a", "fault")
    assert "by up to 60 minutes" in one.statement


@pytest.mark.parametrize(
    ("measures", "state"),
    [
        ({}, "unknown"),
        ({"j.started": 500}, "ok"),
        ({"j.started": 500, "j.fault": 1}, "warning"),
        ({"j.started": 500, "j.fault": 50}, "fault"),
    ],
)
def test_journeys_that_end_before_they_start_are_told(measures: dict[str, int], state: str) -> None:
    assert checks.order(measures).state == state


def test_events_out_of_order_are_listed_by_kind_and_step_and_warned_of() -> None:
    measures = {
        "j.started": 1_434, "order.after_end": 143, "order.after_end.decide": 9, "order.after_end.": 140,
        "order.end_before_start": 2, "order.end_before_start.": 2,
    }  # fmt: skip
    told = [(one.check, one.state, one.numbers["affected"]) for one in checks.beside(measures)]
    assert told == [("events_before_start", "ok", 0), ("events_after_end", "warning", 143)]
    listed = [(one.kind, one.step, one.journeys) for one in checks.out_of_order(measures)]
    assert listed == [("after_end", None, 140), ("after_end", "decide", 9), ("end_before_start", None, 2)]
    assert not list(checks.beside({}))


def test_a_share_above_100_percent_is_a_fault_with_its_counts() -> None:
    over = evaluate(BY_ID["completion-rate"], evidence({"j.started": 100, "j.completed": 130}))
    [one] = checks.rates([over])
    assert (one.check, one.about, one.state, one.numbers["numerator"]) == (
        "rate_over_100",
        "completion-rate",
        "fault",
        130,
    )
    [fine] = checks.rates([])
    assert fine.state == "ok"


def test_sources_arrive_are_silent_or_never_came() -> None:
    at_ms = 100 * DAY_MS
    seen = Sources({"started": at_ms}, 45 * DAY_MS)
    assert [one.state for one in checks.sources((STARTED, COMPLETED), seen, at_ms)] == ["ok", "unknown"]
    old = Sources({"started": DAY_MS, "completed": DAY_MS}, 45 * DAY_MS)
    assert {one.state for one in checks.sources((STARTED, COMPLETED), old, at_ms)} == {"fault"}
