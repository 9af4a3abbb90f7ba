from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.disclosure.ledger import Ledger, Published

FIRST = date(2026, 10, 1)


def told(start: int, end: int, n: int, cut: str = "", kpi: str = "csat") -> Published:
    """Days of October, from `start` up to but not on `end`."""
    return Published("permits", kpi, cut, FIRST + timedelta(start - 1), FIRST + timedelta(end - 1), n)


def test_a_period_that_is_one_quiet_day_longer_is_refused() -> None:
    refusal = Ledger((told(1, 31, 200),)).refusal(told(1, 32, 204))
    assert refusal is not None
    assert str(refusal) == "differs by 4 people from what was published of everybody, 2026-10-01 to 2026-10-31"


def test_a_period_that_is_one_busy_day_longer_is_not() -> None:
    assert Ledger((told(1, 31, 200),)).refusal(told(1, 32, 212)) is None


def test_a_cut_that_leaves_a_few_out_is_refused() -> None:
    assert Ledger((told(1, 32, 200),)).refusal(told(1, 32, 195, "assisted=no"))
    assert Ledger((told(1, 32, 195, "channel=web|assisted=no"),)).refusal(told(1, 32, 200, "channel=web"))
    assert Ledger((told(1, 32, 200, "channel=web"),)).refusal(told(1, 32, 195, "language=el")) is None


def test_a_revision_by_a_few_late_answers_is_refused_and_the_same_number_is_not() -> None:
    ledger = Ledger((told(1, 32, 200),))
    assert ledger.refusal(told(1, 32, 203))
    assert ledger.refusal(told(1, 32, 200)) is None
    assert ledger.refusal(told(1, 32, 215)) is None


def test_other_kpis_and_services_are_other_people() -> None:
    assert Ledger((told(1, 31, 200),)).refusal(told(1, 32, 204, kpi="nps")) is None


def test_a_day_that_three_published_periods_give_away_together_is_refused() -> None:
    """Days 1 to 31, less 1 to 15, less 16 to 30: the last day."""
    ledger = Ledger((told(1, 16, 90), told(16, 31, 110)))
    refusal = ledger.refusal(told(1, 32, 206))
    assert refusal is not None
    assert refusal.difference == 6


def test_overlapping_periods_are_refused_once_the_overlap_can_be_computed() -> None:
    """1-20 and 15-31 alone tell nothing of the overlap; with 1-31 they do."""
    ledger = Ledger((told(1, 20, 100), told(15, 32, 100)))
    assert ledger.refusal(told(1, 32, 195))
    assert ledger.refusal(told(1, 32, 180)) is None


def test_late_people_in_a_longer_period_are_refused_once_its_parts_were_counted_without_them() -> None:
    """Four weeks of 250, then the month with three more; and with twelve more."""
    weeks = Ledger(tuple(told(start, start + 7, 250) for start in (1, 8, 15, 22)))
    refusal = weeks.refusal(told(1, 29, 1003))
    assert refusal is not None
    assert refusal.difference == 3
    assert weeks.refusal(told(1, 29, 1000)) is None
    assert weeks.refusal(told(1, 29, 1012)) is None


def test_any_edition_of_each_part_is_compared() -> None:
    ledger = Ledger((told(1, 8, 250), told(8, 15, 250), told(1, 8, 300)))
    assert ledger.refusal(told(1, 15, 553))
    assert ledger.refusal(told(1, 15, 503))
    assert ledger.refusal(told(1, 15, 525)) is None


def test_the_last_part_of_a_longer_period_that_was_published_is_compared_with_what_is_left_of_it() -> None:
    ledger = Ledger((told(1, 29, 1000), *(told(start, start + 7, 250) for start in (1, 8, 22))))
    assert ledger.refusal(told(15, 22, 247))
    assert ledger.refusal(told(15, 22, 253))
    assert ledger.refusal(told(15, 22, 250)) is None
    assert ledger.refusal(told(15, 22, 262)) is None


def test_fewer_than_ten_are_refused_by_themselves() -> None:
    assert str(Ledger().refusal(told(1, 32, 9))) == "fewer than 10 people"
    assert Ledger().refusal(told(1, 32, 0)) is None


@settings(max_examples=80, derandomize=True)
@given(st.lists(st.integers(0, 12), min_size=6, max_size=6), st.data())
def test_whatever_is_admitted_never_lets_a_few_be_computed(days: list[int], data: st.DataObject) -> None:
    """Against linear algebra: every stretch of days that published periods span has nobody or ten at least."""
    spans = data.draw(
        st.lists(st.tuples(st.integers(1, 6), st.integers(2, 7)).filter(lambda s: s[0] < s[1]), max_size=7)
    )
    admitted: list[Published] = []
    for one in (told(a, b, sum(days[a - 1 : b - 1])) for a, b in dict.fromkeys(spans)):
        if Ledger(tuple(admitted)).refusal(one) is None:
            admitted.append(one)
    reach = {day: {day} for day in range(1, 8)}
    for one in admitted:
        if one.n:
            a, b = ((day - FIRST).days + 1 for day in (one.start, one.end))
            joined = reach[a] | reach[b]
            for day in joined:
                reach[day] = joined
    for start in range(1, 8):
        for end in (day for day in reach[start] if day > start):
            between = sum(days[start - 1 : end - 1])
            assert between == 0 or between >= 10
