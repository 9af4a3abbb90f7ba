import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.disclosure.audit import audit
from evaluation_engine.domain.disclosure.grid import REST, tables
from evaluation_engine.domain.disclosure.ranges import PROTECTION
from evaluation_engine.domain.disclosure.secrets import Reason, Secrets
from evaluation_engine.domain.disclosure.shuttle import weak
from evaluation_engine.domain.disclosure.suppression import Suppression, suppress
from evaluation_engine.domain.disclosure.tables import MINIMUM, Cell, People
from tests.unit.evaluation_engine.domain.disclosure.counting import all_tables, counted, crowd, possible

LONGER = {"quarter": ("m1", "m2", "m3")}


def by_channel(**counts: int) -> dict[Cell, People]:
    total = {Cell("m"): People(sum(counts.values()))}
    return total | {Cell("m", f"channel={name}"): People(n) for name, n in counts.items()}


def hidden(suppression: Suppression) -> set[str]:
    return {cell.cut for cell in suppression.hidden}


def test_enough_people_everywhere_and_nothing_is_hidden() -> None:
    assert not suppress(tables(by_channel(web=50, phone=10, app=0))).hidden


def test_a_small_cell_takes_the_smallest_other_with_it() -> None:
    found = suppress(tables(by_channel(web=50, phone=3, app=20, kiosk=20)))
    assert found.hidden == {
        Cell("m", "channel=phone"): Reason.SMALL,
        Cell("m", "channel=app"): Reason.COMPLEMENT,
    }
    assert found.shown(Cell("m"))


def test_an_empty_cell_is_shown_and_covers_nobody() -> None:
    found = suppress(tables(by_channel(web=50, phone=3, app=20, kiosk=0)))
    assert found.shown(Cell("m", "channel=kiosk"))


def test_cells_that_are_small_together_are_no_cover_for_each_other() -> None:
    """4 + 5 = 9: the two together would be a group of fewer than ten that can be computed."""
    assert hidden(suppress(tables(by_channel(web=50, phone=4, app=5)))) == {
        "channel=web",
        "channel=phone",
        "channel=app",
    }


def test_nine_and_nine_are_given_away_by_the_rule_so_that_a_third_is_hidden() -> None:
    """Hidden are 18 people in two cells; who knows that both are small knows that both are nine."""
    found = suppress(tables(by_channel(web=50, phone=9, app=9, kiosk=30)))
    assert hidden(found) == {"channel=phone", "channel=app", "channel=kiosk"}
    assert found.rounds == 2


def test_a_total_of_a_few_is_hidden_with_all_that_is_in_it_empty_or_not() -> None:
    found = suppress(tables(by_channel(web=6, phone=0)))
    assert found.unseen == {Cell("m"), Cell("m", "channel=web"), Cell("m", "channel=phone")}


def test_a_table_that_would_show_only_zeros_is_withdrawn_zeros_and_all() -> None:
    found = suppress(tables(by_channel(web=12, phone=1, app=0)))
    assert found.shown(Cell("m"))
    assert not any(found.shown(cell) for cell in found.tables.people if cell.cut)


def test_those_of_whom_the_dimension_is_not_known_are_a_cell_too() -> None:
    """Total 65, channels 60: five people can be computed, so that another one is hidden."""
    cells = by_channel(web=40, phone=20) | {Cell("m"): People(65)}
    found = suppress(tables(cells))
    assert found.hidden[Cell("m", f"channel={REST}")] is Reason.SMALL
    assert found.hidden[Cell("m", "channel=phone")] is Reason.COMPLEMENT


def test_a_group_who_all_answered_alike_is_hidden_and_covered() -> None:
    cells = {
        Cell("m"): People(100, 80),
        Cell("m", "channel=web"): People(60, 45),
        Cell("m", "channel=phone"): People(20, 20),
        Cell("m", "channel=app"): People(20, 15),
    }
    assert suppress(tables(cells, scale=(0, 1))).hidden == {
        Cell("m", "channel=phone"): Reason.ALIKE,
        Cell("m", "channel=app"): Reason.COMPLEMENT,
    }


def test_two_groups_who_all_answered_alike_do_not_cover_each_other() -> None:
    """The 40 of both would be known to have said yes, every one."""
    cells = {
        Cell("m"): People(100, 85),
        Cell("m", "channel=web"): People(60, 45),
        Cell("m", "channel=phone"): People(20, 20),
        Cell("m", "channel=app"): People(20, 20),
    }
    assert hidden(suppress(tables(cells, scale=(0, 1)))) == {"channel=phone", "channel=app", "channel=web"}


def test_a_group_who_all_gave_the_middle_of_a_scale_is_hidden_when_it_is_said() -> None:
    cells = {
        Cell("m"): People(100, 350),
        Cell("m", "channel=web"): People(60, 230),
        Cell("m", "channel=phone"): People(40, 120, alike=True),
    }
    assert hidden(suppress(tables(cells, scale=(1, 5)))) == {"channel=phone", "channel=web"}


def test_nobody_completed_shows_as_a_total_and_is_no_secret_of_the_groups() -> None:
    cells = {
        Cell("m"): People(500, 0),
        Cell("m", "channel=web"): People(300, 0),
        Cell("m", "channel=phone"): People(200, 0),
    }
    found = suppress(tables(cells, scale=(0, 1)))
    assert found.shown(Cell("m"))
    assert not found.shown(Cell("m", "channel=web"))


def test_a_small_month_is_covered_by_another_when_the_quarter_is_published() -> None:
    counts = {"m1": 4, "m2": 30, "m3": 40, "quarter": 74}
    found = suppress(tables({Cell(period): People(n) for period, n in counts.items()}, periods=LONGER))
    assert found.hidden == {Cell("m1"): Reason.SMALL, Cell("m2"): Reason.COMPLEMENT}


def test_what_was_published_before_stays_and_the_longer_period_is_hidden_instead() -> None:
    counts = {"m1": 4, "m2": 30, "m3": 40, "quarter": 74}
    made = tables({Cell(period): People(n) for period, n in counts.items()}, periods=LONGER)
    assert suppress(made, published=[Cell("m2"), Cell("m3")]).hidden == {
        Cell("m1"): Reason.SMALL,
        Cell("quarter"): Reason.COMPLEMENT,
    }


def test_what_was_published_before_may_leave_no_way_out() -> None:
    made = tables(by_channel(web=50, phone=3))
    with pytest.raises(ValueError, match="gives away"):
        suppress(made, published=[Cell("m"), Cell("m", "channel=web")])


def test_steps_that_one_person_takes_several_of_make_no_sum() -> None:
    cells = {Cell("m"): People(100), Cell("m", "step=start"): People(100), Cell("m", "step=pay"): People(4)}
    assert hidden(suppress(tables(cells, overlapping=["step"]))) == {"step=pay"}
    with pytest.raises(ValueError, match="people"):
        tables(cells)


def test_periods_that_are_not_the_sum_of_their_parts_are_refused() -> None:
    cells = {Cell("m1"): People(20), Cell("m2"): People(20), Cell("both"): People(41)}
    with pytest.raises(ValueError, match="its parts have 40"):
        tables(cells, periods={"both": ("m1", "m2")})


def test_the_audit_by_itself_fails_where_only_the_small_cells_are_hidden() -> None:
    secrets = Secrets(tables(by_channel(web=50, phone=3, app=20)))
    secrets.hide_primary()
    assert audit(secrets).weak == (Cell("m", "channel=phone"),)


def test_what_only_several_sums_together_give_away_is_found_by_the_programme() -> None:
    """No sum by itself narrows a hidden cell too far here; all of them together do."""
    interior = {"a": (27, 11, 5), "b": (10, 3, 1), "c": (7, 0, 0)}
    people = [
        ("m", {"channel": channel, "language": language}, 1)
        for channel, row in interior.items()
        for language, n in zip("xyz", row, strict=True)
        for _ in range(n)
    ]
    found = suppress(counted(people, share=False))
    secrets = Secrets(found.tables)
    last = Cell("m", "channel=a|language=x")
    secrets.hidden = {cell: why for cell, why in found.hidden.items() if cell != last}
    assert weak(secrets, PROTECTION, secrets.settled()) == ()
    assert not audit(secrets).passed
    assert found.hidden[last] is Reason.COMPLEMENT


def test_the_order_in_which_cells_are_given_does_not_matter() -> None:
    people = crowd(5, 120, ("m1", "m2", "m3"), {"channel": 3, "language": 3, "assisted": 2})
    first = suppress(counted(people, share=True, longer=LONGER))
    random.Random(1).shuffle(people)
    again = suppress(counted(people, share=True, longer=LONGER))
    assert list(first.hidden.items()) == list(again.hidden.items())


@settings(max_examples=16, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.sampled_from([25, 60, 150, 400]), st.booleans())
def test_no_combination_of_published_cells_gives_a_hidden_one_away(seed: int, size: int, share: bool) -> None:
    """An attacker written apart, told why each cell is hidden, has the range of each still open, and both answers."""
    people = crowd(seed, size, ("m1", "m2"), {"channel": 3, "language": 3, "assisted": 2})
    longer = {"both": ("m1", "m2")}
    found = suppress(counted(people, share=share, longer=longer))
    everybody = found.tables.people
    assert all(one.n == 0 or one.n >= MINIMUM for cell, one in everybody.items() if found.shown(cell))
    secret = [cell for cell in found.hidden if everybody[cell].n]
    mixed = [cell for cell in secret if all(_mixed(everybody[Cell(at)]) for at in ("m1", "m2", "both"))]
    for cell in random.Random(seed).sample(secret, min(4, len(secret))):
        fewest, most = possible(found, cell, longer)
        assert fewest <= everybody[cell].n <= most
        assert most - fewest >= PROTECTION
    for cell in random.Random(seed).sample(mixed, min(2, len(mixed))) if share else ():
        assert possible(found, cell, longer, (1, 0))[1] >= 1
        assert possible(found, cell, longer, (0, 1))[1] >= 1


def _mixed(people: People) -> bool:
    return people.score is not None and 0 < people.score < people.n


@settings(max_examples=12, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 14), min_size=4, max_size=4))
def test_by_brute_force_every_hidden_cell_of_a_small_table_is_open(counts: list[int]) -> None:
    people = [
        ("m", {"channel": channel, "other": other}, 1)
        for (channel, other), n in zip([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], counts, strict=True)
        for _ in range(n)
    ]
    if not people:
        return
    found = suppress(counted(people, share=False))
    values = {name: sorted({person[name] for _, person, _ in people}) for name in ("channel", "other")}
    if not found.shown(Cell("m")):
        assert len(found.unseen) == len(found.tables.people)
        return
    possibilities = all_tables(found, values, "m")
    for cell in found.hidden:
        seen = [table[cell] for table in possibilities]
        assert found.tables.people[cell].n == 0 or max(seen) - min(seen) >= PROTECTION


@settings(max_examples=60, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), min_size=2, max_size=5),
    st.sets(st.integers(0, 4)),
    st.sampled_from([(0, 1), (-1, 1), (1, 5)]),
)
def test_for_groups_of_one_sum_the_short_cut_says_what_the_programmes_say(
    groups: list[tuple[int, int]], beside: set[int], scale: tuple[int, int]
) -> None:
    """Whatever is hidden, enough or not."""
    low, high = scale
    people = {
        Cell("m", f"channel={place}"): People(n, low * n + (high - low) * min(share, n))
        for place, (n, share) in enumerate(groups)
    }
    whole = People(sum(one.n for one in people.values()), sum(one.score or 0 for one in people.values()))
    secrets = Secrets(tables({Cell("m"): whole, **people}, scale=scale))
    secrets.hide_primary()
    for place in beside:
        if Cell("m", f"channel={place}") in people and people[Cell("m", f"channel={place}")].n >= MINIMUM:
            secrets.hide(Cell("m", f"channel={place}"), Reason.COMPLEMENT)
    quick = audit(secrets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluation_engine.domain.disclosure.audit.ranges_of", lambda *_: None)
        assert audit(secrets).weak == quick.weak


def test_hidden_shares_stay_open_in_what_people_said() -> None:
    """By brute force over two hidden groups: neither unanimity nor a number of yes can be told."""
    cells = {
        Cell("m"): People(100, 80),
        Cell("m", "channel=web"): People(60, 45),
        Cell("m", "channel=phone"): People(20, 20),
        Cell("m", "channel=app"): People(20, 15),
    }
    assert hidden(suppress(tables(cells, scale=(0, 1)))) == {"channel=phone", "channel=app"}
    open_ = {(n, yes) for n in range(41) for yes in range(n + 1) if 0 <= 35 - yes <= 40 - n}
    assert {yes == n for n, yes in open_} == {True, False}
    assert len({yes for _, yes in open_}) > 5
