from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.contracts.evaluations import KpiResult, Period, ResultState
from reporting.domain.disclosure import MINIMUM_CELL, publishable, publishable_cuts

OCTOBER = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC), zone="UTC")


def make_result(n: int, yes: int, cut: str = "") -> KpiResult:
    return KpiResult(
        kpi="csat",
        definition_version=1,
        state=ResultState.OK,
        value=100 * yes / n if n else None,
        unit="%",
        direction="up",
        n=n,
        numerator=yes,
        denominator=n,
        period=OCTOBER,
        cut=cut,
    )


@pytest.mark.requirement("B9")
def test_nine_people_are_not_shown_and_ten_are() -> None:
    assert publishable(make_result(9, 5)).state is ResultState.SUPPRESSED
    assert publishable(make_result(10, 5)).value == 50


def test_a_hidden_result_carries_none_of_its_numbers() -> None:
    hidden = publishable(make_result(9, 5))

    assert (hidden.n, hidden.value, hidden.numerator, hidden.denominator, hidden.interval) == (
        0,
        None,
        None,
        None,
        None,
    )


def test_a_group_whose_members_all_answered_alike_is_hidden() -> None:
    alike, mixed, other = publishable_cuts(
        [make_result(40, 40, "channel=web"), make_result(40, 20, "channel=app"), make_result(50, 20, "channel=phone")]
    )

    assert alike.state is ResultState.SUPPRESSED
    assert mixed.state is ResultState.SUPPRESSED, "else the total gives the hidden one away"
    assert other.state is ResultState.OK


def test_none_of_500_is_shown_for_the_service_as_a_whole() -> None:
    assert publishable(make_result(500, 0)).value == 0


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8))
def test_never_is_exactly_one_cell_with_people_hidden_beside_others(sizes: list[int]) -> None:
    cells = publishable_cuts(make_result(n, n // 2, f"channel={index}") for index, n in enumerate(sizes))

    hidden = [cell for cell in cells if cell.state is ResultState.SUPPRESSED]
    shown = [cell for cell, n in zip(cells, sizes, strict=True) if n > 0 and cell.state is ResultState.OK]
    assert len(hidden) != 1 or not shown
    assert all(cell.n >= MINIMUM_CELL for cell in shown)


def test_a_few_people_in_several_small_groups_are_not_given_away_together() -> None:
    cells = publishable_cuts(make_result(n, n // 2, f"channel={n}") for n in (5, 3, 40, 60))

    assert [cell.state is ResultState.SUPPRESSED for cell in cells] == [True, True, True, False]


def test_those_who_are_in_no_group_are_not_given_away_by_the_total() -> None:
    web, phone = publishable_cuts([make_result(60, 30, "channel=web"), make_result(40, 20, "channel=phone")], total=104)

    assert phone.state is ResultState.SUPPRESSED, "else 104 - 60 - 40 tells of four people"
    assert web.state is ResultState.OK


def test_many_who_are_in_no_group_hide_nothing() -> None:
    cells = publishable_cuts([make_result(60, 30, "channel=web"), make_result(40, 20, "channel=phone")], total=300)

    assert all(cell.state is ResultState.OK for cell in cells)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 30))
def test_total_less_shown_is_nobody_or_at_least_ten_people(sizes: list[int], apart: int) -> None:
    total = sum(sizes) + apart
    cells = publishable_cuts((make_result(n, n // 2, f"channel={i}") for i, n in enumerate(sizes)), total)

    rest = total - sum(cell.n for cell in cells if cell.state is ResultState.OK)
    shown = any(cell.n for cell in cells)
    assert rest == 0 or rest >= MINIMUM_CELL or not shown
