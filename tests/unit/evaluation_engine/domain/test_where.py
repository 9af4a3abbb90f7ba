"""Which part of a service a KPI is about: read strictly, and selected exactly from the cuts that are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import Measures, add, subtract
from evaluation_engine.domain.contribution.address import cuts_of
from evaluation_engine.domain.where import Pick, Where, WhereError, faults_with, parse

pytestmark = pytest.mark.requirement("A1")

PEOPLE = st.lists(
    st.tuples(st.sampled_from([None, "web", "phone", "counter"]), st.sampled_from([None, "65+", "18-64", "other"])),
    max_size=40,
)


def kept(people: list[tuple[str | None, str | None]]) -> dict[str, Measures]:
    """The aggregates of people, each with a channel and an age that may not be known."""
    cells: dict[str, Measures] = {}
    for channel, age in people:
        others = (("assisted", "no"), *((("segment.age", age),) if age else ()))
        for cut in cuts_of(channel, others):
            add(cells.setdefault(cut, {}), {"answers": 1})
    return cells


def selected(where: Where, cells: dict[str, Measures], within: str = "") -> int:
    total: Measures = {}
    for sign, cut in where.cuts(within):
        (add if sign > 0 else subtract)(total, cells.get(cut, {}))
    return total.get("answers", 0)


def holds(where: Where, channel: str | None, age: str | None) -> bool:
    of = {"channel": channel, "segment.age": age}
    return all((of[pick.dimension] in pick.values) != pick.negated for pick in where.picks)


@given(
    PEOPLE,
    st.sampled_from(['channel == "web"', 'channel != "web"', "channel in ('web', 'phone')", ""]),
    st.sampled_from(['segment.age == "65+"', 'segment.age != "65+"', "segment.age in ('65+', 'other')", ""]),
)
def test_what_is_selected_is_exactly_who_the_condition_holds_for(
    people: list[tuple[str | None, str | None]], channel: str, age: str
) -> None:
    text = " and ".join(part for part in (channel, age) if part)
    if not text:
        return
    where, cells = parse(text), kept(people)
    assert selected(where, cells) == sum(holds(where, *one) for one in people)
    on_web = [one for one in people if one[0] == "web"]
    assert selected(where, cells, "channel=web") == sum(holds(where, *one) for one in on_web)
    old = [one for one in people if one[1] == "65+"]
    assert selected(where, cells, "segment.age=65+") == sum(holds(where, *one) for one in old)


def test_a_condition_is_understood_as_it_is_written() -> None:
    assert parse("""segment.age in ("65+", '18-64') and channel != "web" """) == Where(
        """segment.age in ("65+", '18-64') and channel != "web" """,
        Pick("channel", ("web",), negated=True),
        Pick("segment.age", ("65+", "18-64")),
    )


def test_a_cut_by_another_dimension_is_not_kept() -> None:
    assert parse('segment.age == "65+"').cuts("language=el") == ()
    assert parse('channel == "web"').cuts("channel=phone") == ()
    assert parse('channel == "web"').cuts("language=el") == ((1, "channel=web|language=el"),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the end is no dimension; use channel, language, assisted, step or segment.<name>"),
        ("chanel == 'web'", "chanel is no dimension; did you mean channel?"),
        ("rating == '3'", "rating is no dimension; use channel, language, assisted, step or segment.<name>"),
        ("channel = 'web'", "can't be read from \"= 'web'\" on"),
        ("channel == web", "web is no value: values stand in quotation marks"),
        ("channel == 'web' or channel == 'app'", "join comparisons with and, not with or"),
        ("channel == 'web' and channel == 'app'", "compares channel twice; several values are written channel in (…)"),
        ("channel in ()", ") is no value: values stand in quotation marks"),
        ("channel in ('web'", "a list of values ends with )"),
        ("channel in ('web', 'web')", "a list has at most 30 values, each once"),
        ("channel > 'web'", "can't be read from \"> 'web'\" on"),
        ("channel 'web'", 'compare channel with == "…", != "…" or in ("…", "…")'),
        (
            "language == 'el' and segment.age == '65+'",
            "language and segment.age together are not kept: numbers are kept by the channel and one other dimension",
        ),
        ("__import__('os')", "__import__ is no dimension; use channel, language, assisted, step or segment.<name>"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(WhereError) as refused:
        parse(text)
    assert str(refused.value) == reason


@given(st.text(max_size=100))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        assert parse(text).picks
    except WhereError as refused:
        assert str(refused)


def test_a_condition_says_which_measures_cannot_tell_it() -> None:
    assert list(faults_with(parse("segment.age == '65+'"), ["m.pages.sum", "answers"])) == [
        "measurements carry a channel and no segment.age"
    ]
    assert list(faults_with(parse("channel == 'web'"), ["m.pages.sum"])) == []
    assert list(faults_with(parse("step == 'pay'"), ["rating.1"])) == []
    assert list(faults_with(parse("step == 'pay'"), ["j.started"]))
