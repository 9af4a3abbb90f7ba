from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from evaluation_engine.domain.disclosure.choice import Table, choose
from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures, History
from evaluation_engine.domain.disclosure.ledger import Published

OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
MANY = {"": 164, "channel=web": 100, "channel=phone": 40, "channel=app": 24}
FEW = {"": 164, "channel=web": 120, "channel=phone": 37, "channel=counter": 7}


def figures(counts: Mapping[str, int], /, kpi: str = "csat", **overrides: Any) -> Figures:
    """About half of everybody say yes."""
    groups = [n for cut, n in counts.items() if cut.startswith("channel")]
    yes = {cut: n // 2 for cut, n in counts.items()} | {
        "": sum(n // 2 for n in groups) + (counts[""] - sum(groups)) // 2
    }
    cells = {cut: Count(n, yes[cut], mark=f"{n}") for cut, n in counts.items()}
    return replace(Figures(kpi, "feedback", *OCTOBER, cells, (0, 1)), **overrides)


def after(*earlier: Figures) -> History:
    """The history once these were published one after the other, each as it was decided then."""
    history = History()
    for revision, one in enumerate(earlier, start=1):
        editions = dict(history.editions)
        for (kpi, dimension), table in choose([one], history).items():
            if table.new:
                cells = {cut: count._replace(shown=table.shows(cut)) for cut, count in table.cells.items()}
                made = Edition(kpi, dimension, one.start, one.end, 1, revision, cells, counts=one.counts)
                editions[kpi, dimension] = (*editions.get((kpi, dimension), ()), made)
        history = History(editions)
    return history


def decided(one: Figures, history: History | None = None) -> dict[str, Table]:
    return {dimension: table for (_, dimension), table in choose([one], history or History()).items()}


def more(counts: Mapping[str, int], **added: int) -> dict[str, int]:
    changed = {f"channel={name}": n for name, n in added.items()}
    return {cut: n + changed.get(cut, 0) + (sum(added.values()) if not cut else 0) for cut, n in counts.items()}


def test_enough_people_everywhere_and_everything_is_shown() -> None:
    found = decided(figures(MANY))
    assert all(found[""].shows("") and found["channel"].shows(cut) for cut in MANY if cut)


def test_a_small_group_is_hidden_with_another_and_the_reasons_are_known_inside() -> None:
    found = decided(figures(FEW))["channel"]
    assert found.hidden == {"channel=counter": "small", "channel=phone": "complement"}
    assert found.shows("channel=web")


def test_fewer_than_ten_are_not_shown_as_a_total_and_no_group_of_them_is() -> None:
    found = decided(figures({"": 9, "channel=web": 9}))
    assert (found[""].why, found["channel"].why) == ("small", "total")


def test_a_kpi_about_a_part_of_the_service_is_not_shown_beside_those_about_all_of_it() -> None:
    found = decided(figures(MANY, part=True))
    assert (found[""].why, found["channel"].why) == ("part", "total")


def test_a_revision_by_three_people_leaves_the_earlier_edition_of_every_table() -> None:
    found = decided(figures(more(MANY, web=3)), after(figures(MANY)))
    assert [table.kept and table.kept.revision for table in found.values()] == [1, 1]


def test_a_revision_by_twelve_people_in_one_group_is_published() -> None:
    found = decided(figures(more(MANY, web=12)), after(figures(MANY)))
    assert found[""].shows("")
    assert found["channel"].shows("channel=web")


def test_a_revision_by_twelve_people_of_whom_two_are_in_another_group_keeps_the_groups_only() -> None:
    """Subtracting the editions of that group would tell of two people; of everybody it tells of twelve."""
    found = decided(figures(more(MANY, web=10, phone=2)), after(figures(MANY)))
    assert found[""].shows("")
    assert found["channel"].kept


def test_those_of_whom_the_group_is_not_known_are_compared_between_revisions_too() -> None:
    """Total less both groups: 50, then 53, of whom 30 said yes each time."""
    young, old = "segment.age=young", "segment.age=old"
    first = figures({"": 600})
    before = replace(first, cells={"": Count(600, 430), young: Count(300, 200), old: Count(250, 200)})
    now = replace(first, cells={"": Count(613, 436), young: Count(310, 206), old: Count(250, 200)})
    assert decided(now, after(before))["segment.age"].kept
    enough = replace(first, cells={"": Count(622, 441), young: Count(310, 206), old: Count(250, 200)})
    assert not decided(enough, after(before))["segment.age"].kept


def test_late_people_in_a_hidden_group_count_as_much() -> None:
    """12 late answers by web, 3 by the counter, which is hidden: total less web would tell of the three."""
    found = decided(figures(more(FEW, web=12, counter=3)), after(figures(FEW)))
    assert found["channel"].kept
    assert not found[""].kept


def test_a_group_hidden_once_stays_hidden_in_every_revision_of_the_period() -> None:
    """Shown later, it and what came in between would tell what it was."""
    found = decided(figures(more(FEW, counter=20)), after(figures(FEW)))
    assert found["channel"].hidden.keys() == {"channel=counter", "channel=phone"}


def test_a_group_that_was_shown_is_not_hidden_in_a_revision_that_keeps_its_number() -> None:
    """31 by phone are erased, 9 stay: hidden now, beside the 24 by app, who are known from the edition before."""
    found = decided(figures(more(MANY, phone=-31)), after(figures(MANY)))
    assert found[""].shows("")
    assert found["channel"].kept


def test_a_revision_is_compared_with_every_earlier_edition_and_not_only_with_the_last() -> None:
    """100, then 112, then 103: against the last it is nine, against the first three."""
    counts = [{"": n, "channel=web": n} for n in (100, 112, 124, 102)]
    history = after(*map(figures, counts[:3]))
    assert [one.revision for one in history.of("csat", "")] == [1, 2, 3]
    assert decided(figures(counts[3]), history)[""].kept


def test_answers_that_changed_and_people_that_did_not_are_a_revision_too() -> None:
    one = figures(MANY)
    corrected = replace(one, cells={**one.cells, "": one.cells[""]._replace(score=83, mark="other")})
    assert decided(corrected, after(one))[""].kept
    many = replace(one, cells={**one.cells, "": one.cells[""]._replace(score=95, mark="other")})
    assert not decided(many, after(one))[""].kept


def test_a_correction_of_a_cost_is_published_whoever_is_counted() -> None:
    one = figures(MANY, scale=None)
    one = replace(one, cells={cut: Count(count.n) for cut, count in one.cells.items()})
    assert not any(table.kept for table in decided(one, after(one)).values())


def test_the_same_numbers_again_say_the_same() -> None:
    for counts in (MANY, FEW):
        first, again = decided(figures(counts)), decided(figures(counts), after(figures(counts)))
        assert [table.hidden.keys() for table in again.values()] == [table.hidden.keys() for table in first.values()]
        assert not any(table.kept for table in again.values())


def test_nobody_anymore_leaves_the_earlier_edition() -> None:
    assert decided(figures({"": 0}), after(figures(MANY)))[""].kept


def test_a_period_that_touches_a_published_one_shows_its_total_and_no_groups() -> None:
    before = Published("", "csat", "", date(2026, 10, 1), date(2026, 10, 8), 40)
    found = decided(figures(MANY), History(totals={"csat": (before,)}, touched=frozenset({"csat"})))
    assert found[""].shows("")
    assert found["channel"].why == "period"


def test_a_total_that_leaves_a_few_beside_a_published_period_is_refused() -> None:
    before = Published("", "csat", "", date(2026, 10, 1), date(2026, 10, 31), 160)
    assert decided(figures(MANY), History(totals={"csat": (before,)}))[""].why.startswith("refused")


def test_a_kpi_that_looks_back_over_more_than_its_period_shows_its_total_only() -> None:
    found = decided(figures(MANY, looks_back=True))
    assert found[""].shows("")
    assert found["channel"].why == "period"


def test_what_another_kpi_of_the_same_people_hides_is_hidden_here_too() -> None:
    """All of the 20 by app said yes here and not there: the other KPI must not tell how many they are."""
    counts = {"": 164, "channel=web": 100, "channel=phone": 44, "channel=app": 20}
    alike = figures(counts)
    yes = {"": Count(164, 92), "channel=app": Count(20, 20)}
    alike = replace(alike, cells={**alike.cells, **yes})
    other = figures(counts, kpi="satisfaction")
    elsewhere = figures(counts, kpi="completion", source="journeys")
    found = choose([alike, other, elsewhere], History())
    assert found["satisfaction", "channel"].hidden.keys() == found["csat", "channel"].hidden.keys()
    assert found["csat", "channel"].hidden
    assert not found["completion", "channel"].hidden


def test_a_response_rate_does_not_tell_of_a_few_who_answered() -> None:
    asked = {"": 900, "channel=web": 500, "channel=phone": 300, "channel=app": 100}
    rate = figures(
        asked, kpi="response-rate", answered={"": 77, "channel=web": 50, "channel=phone": 20, "channel=app": 7}
    )
    hidden = decided(rate)["channel"].hidden
    assert hidden.keys() == {"channel=app", "channel=phone"}
    assert decided(replace(rate, answered={"": 7}))[""].why == "inside"


def test_a_gap_between_groups_of_which_one_is_small_is_not_shown() -> None:
    assert decided(figures({"": 60}, compares_few=True))[""].why == "inside"


def test_a_gap_is_shown_once_and_never_beside_another_edition_or_period() -> None:
    """Sizes of both groups may be known from elsewhere: two gaps of nearly the same people tell of the others."""
    first = replace(figures({"": 60}, compares=True), cells={"": Count(60, mark="one")}, scale=None)
    later = replace(first, cells={"": Count(90, mark="two")})
    assert decided(first)[""].shows("")
    assert decided(first, after(first))[""].shows("")
    assert decided(later, after(first))[""].kept
    assert decided(first, History(touched=frozenset({"csat"})))[""].why == "period"


def test_groups_that_do_not_add_up_are_not_shown() -> None:
    assert decided(figures({"": 50, "channel=web": 40, "channel=phone": 30}))["channel"].why == "sums"


def test_measurements_are_no_people_and_their_revisions_are_published() -> None:
    probes = figures({"": 4000}, people=False)
    assert not decided(figures({"": 4003}, people=False), after(probes))[""].kept


def test_a_response_rate_over_a_month_tells_no_week_in_which_a_few_answered() -> None:
    """40, 30 and 30 of 300 each in three weeks; in the fourth four of 300, which is hidden."""

    def rate(asked: int, answered: int, **overrides: Any) -> Figures:
        one = figures({"": asked}, kpi="response-rate", source="journeys", answered={"": answered})
        return replace(one, cells={"": Count(asked, answered)}, **overrides)

    days = [date(2026, 10, day) for day in (1, 8, 15, 22)]
    asked = tuple(Published("", "response-rate", "", *week, 300) for week in pairwise(days))
    answered = tuple(
        Published("", "response-rate: answered", "", *week, n)
        for week, n in zip(pairwise(days), (40, 30, 30), strict=True)
    )
    history = History(totals={"response-rate": asked, "response-rate: answered": answered})
    assert decided(rate(1200, 104), history)[""].why.startswith("refused")
    assert decided(rate(1200, 114), history)[""].shows("")


def test_a_revision_of_a_response_rate_tells_of_no_few_who_answered() -> None:
    first = replace(figures({"": 300}, answered={"": 100}), cells={"": Count(300, 100)})
    for asked, answered, kept in ((320, 103, True), (320, 110, False), (320, 100, True), (300, 103, True)):
        now = replace(first, cells={"": Count(asked, answered)}, answered={"": answered})
        assert bool(decided(now, after(first))[""].kept) is kept


def test_late_people_who_all_said_the_same_keep_the_edition_unless_everybody_does() -> None:
    def said(n: int, yes: int) -> Figures:
        return replace(figures({"": n}), cells={"": Count(n, yes)})

    assert decided(said(620, 430), after(said(600, 430)))[""].kept
    assert decided(said(620, 450), after(said(600, 430)))[""].kept
    assert not decided(said(620, 449), after(said(600, 430)))[""].kept
    assert not decided(said(620, 620), after(said(600, 600)))[""].kept


def test_a_kpi_that_counts_the_same_people_under_another_name_is_compared_in_the_ledger() -> None:
    """27 days of 40, a hidden day of 4; then the month of the other KPI."""
    days = [date(2026, 10, 1) + timedelta(day) for day in range(29)]
    told = tuple(Published("", "completed", "", *day, 40) for at, day in enumerate(pairwise(days)) if at != 13)
    month = replace(figures({"": 1084}, kpi="govuk-digital-take-up"), start=days[0], end=days[-1], counts="completed")
    assert decided(month, History(totals={"completed": told}))[""].why.startswith("refused")
    assert decided(replace(month, counts="others"), History(totals={"completed": told}))[""].shows("")


def test_kpis_of_one_evaluation_that_count_the_same_people_are_compared_with_each_other() -> None:
    week = replace(figures({"": 160}), end=date(2026, 10, 8), counts="answers")
    longer = replace(figures({"": 164}, kpi="nps"), counts="answers")
    assert choose([week, longer], History())["nps", ""].why.startswith("refused")
    assert choose([week, replace(longer, counts="others")], History())["nps", ""].shows("")


def test_groups_of_a_kpi_that_is_used_later_are_compared_with_those_of_its_twin() -> None:
    before = after(figures(MANY, counts="answers"))
    late = more(MANY, web=10, phone=2)
    assert decided(figures(late, kpi="csat-too", counts="answers"), before)["channel"].why == "refused"
    assert not decided(figures(late, kpi="csat-too", counts="others"), before)["channel"].why
    assert not decided(figures(MANY, kpi="csat-too", counts="answers"), before)["channel"].why


def test_what_a_twin_has_hidden_stays_hidden() -> None:
    before = after(figures(FEW, counts="answers"))
    now = figures(more(FEW, counter=20), kpi="csat-too", counts="answers")
    hidden = decided(now, before)["channel"].hidden
    assert hidden.keys() == {"channel=counter", "channel=phone"}


def test_hidden_groups_who_all_gave_one_inner_answer_take_a_third_with_them() -> None:
    """The intervals of the total and of the web give the squares of the 17 others: all of them said 4."""
    cells = {
        "": Count(597, 1300 + 150 + 68),
        "channel=web": Count(500, 1300),
        "channel=app": Count(80, 150),
        "channel=phone": Count(12, 48, alike=True),
        "channel=counter": Count(5, 20, alike=True),
    }
    effort = replace(figures({"": 597}, kpi="ces", scale=(1, 7)), cells=cells)
    assert decided(effort)["channel"].hidden.keys() == {"channel=phone", "channel=counter", "channel=app"}
    mixed = replace(effort, cells={**cells, "": Count(597, 1517), "channel=counter": Count(5, 19)})
    assert decided(mixed)["channel"].hidden.keys() == {"channel=phone", "channel=counter"}


def test_a_response_rate_does_not_tell_how_many_answered_where_a_kpi_of_answers_hides_it() -> None:
    asked = {"": 2100, "channel=web": 1500, "channel=phone": 400, "channel=counter": 100, "channel=app": 100}
    answered = {"": 616, "channel=web": 500, "channel=phone": 20, "channel=counter": 6, "channel=app": 90}
    answers = figures(answered)
    rate = figures(asked, kpi="response-rate", source="journeys", answered=answered)
    rate = replace(rate, cells={cut: Count(n, answered[cut]) for cut, n in asked.items()})
    found = choose([answers, rate], History())
    assert found["csat", "channel"].hidden.keys() == {"channel=counter", "channel=phone"}
    assert found["response-rate", "channel"].hidden.keys() == {"channel=counter", "channel=phone"}
