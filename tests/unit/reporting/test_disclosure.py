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
