"""Readings: whatever the period, each bucket is read once and counted once."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import add
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.ports.measures import Row, Span
from evaluation_engine.service.evaluate.readings import Readings, Shopping

FIRST = date(2024, 1, 1)
ZONES = st.sampled_from(["UTC", "Europe/Athens", "America/St_Johns"])


def periods() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, 700), st.integers(1, 400))


def rows_of(span: Span, zone: str) -> list[Row]:
    """One of each in every day of four years, split over two partitions, as the store would return it."""
    in_zone = calendar(zone)
    sums: dict[int, int] = {}
    for n in range(4 * 366):
        start = in_zone.start_of(FIRST + timedelta(days=n))
        bucket = start if span.grain == "day" else in_zone.month_start(start)
        if span.from_ms <= bucket < span.to_ms:
            sums[bucket] = sums.get(bucket, 0) + 3
    return [
        Row(cut, start, json.dumps({"x": part}))
        for cut in span.cuts
        for start, many in sums.items()
        for part in (many - many // 3, many // 3)
    ]


@given(periods(), ZONES, st.booleans())
def test_a_period_is_the_sum_of_its_days(span: tuple[int, int], zone: str, days_only: bool) -> None:
    start = FIRST + timedelta(days=span[0])
    period = Period(start, start + timedelta(days=span[1]), zone)
    shopping = Shopping()
    shopping.history(period, 45 * 86_400_000)
    shopping.period(period, ["", "channel=web"])
    shopping.period(period, [""], days_only=True)
    spans = shopping.spans()
    readings = Readings.of(spans, [rows_of(one, zone) for one in spans])
    assert readings.total(period, "", days_only=days_only) == {"x": 3 * period.days}
    assert readings.total(period, "channel=web") == {"x": 3 * period.days}


def test_a_start_day_ends_where_the_next_one_begins() -> None:
    zone, hour_ms = "Europe/Athens", 3_600_000
    in_zone = calendar(zone)
    period = Period(date(2024, 3, 29), date(2024, 4, 2), zone)  # summer time begins on the 31st
    starts = [in_zone.start_of(date(2024, 3, 29) + timedelta(days=n)) for n in (0, 2, 3)]
    readings = Readings({("day", ""): {start: {"x": 1} for start in starts}})
    found = [(one.start_ms, (one.end_ms - one.start_ms) // hour_ms) for one in readings.cohorts(period, "")]
    assert found == [(starts[0], 24), (starts[1], 23), (starts[2], 24)]


def test_a_sum_of_a_part_adds_and_takes_off_and_is_made_once() -> None:
    period = Period(FIRST, FIRST + timedelta(days=1), "UTC")
    start = period.start_ms
    readings = Readings({("day", ""): {start: {"x": 5, "y": 1}}, ("day", "channel=web"): {start: {"x": 2, "y": 1}}})
    cuts = ((1, ""), (-1, "channel=web"))
    assert readings.sum(period, cuts) == {"x": 3}
    assert readings.sum(period, cuts) is readings.sum(period, cuts)
    assert readings.sum(period, ((1, ""),)) is readings.total(period, "")


def test_sums_past_64_bits_stay_exact() -> None:
    span = Span("day", 0, 1, frozenset({""}))
    huge = 2**70 + 1
    readings = Readings.of([span], [[Row("", 0, json.dumps({"x": huge})), Row("", 0, json.dumps({"x": 1}))]])
    assert readings.of_cut("day", "") == {0: {"x": huge + 1}}
    assert readings.digest()


def test_the_digest_does_not_depend_on_the_order_of_rows_or_partitions() -> None:
    span = Span("day", 0, 10, frozenset({"", "channel=web"}))
    one = [Row("", 1, '{"a":1}'), Row("", 1, '{"b":2,"a":4}'), Row("channel=web", 2, '{"a":1}')]
    other = [Row("channel=web", 2, '{"a":1}'), Row("", 1, '{"a":5}'), Row("", 1, '{"b":2}'), Row("", 3, "{}")]
    assert Readings.of([span], [one]).digest("x") == Readings.of([span], [other]).digest("x")
    assert Readings.of([span], [one]).digest("x") != Readings.of([span], [one]).digest("y")
    assert Readings.of([span], [one]).digest() != Readings.of([span], [one[:2]]).digest()


NAMES = st.sampled_from(["a", "b.ή", "\x7f", '\x1f"\\', "😀 z", "c"])
AMOUNTS = st.one_of(st.integers(-3, 3), st.sampled_from([2**63, -(2**63) - 1, 2**64, -(2**64), 10**30, -(10**30)]))
ROWS = st.lists(st.tuples(st.integers(0, 2), st.dictionaries(NAMES, AMOUNTS, max_size=4)), max_size=8)


@given(ROWS, st.booleans())
def test_merging_and_the_digest_are_those_of_the_standard_parser_and_writer(
    rows: list[tuple[int, dict[str, int]]], ascii_: bool
) -> None:
    span = Span("day", 0, 10, frozenset({"step=ή"}))
    given_ = [Row("step=ή", start, json.dumps(data, ensure_ascii=ascii_)) for start, data in rows]
    sums: dict[int, dict[str, int]] = {}
    for start, data in rows:
        add(sums.setdefault(start, {}), data)
    expected = {start: measures for start, measures in sums.items() if measures}
    readings = Readings.of([span], [given_])
    assert readings.of_cut("day", "step=ή") == expected
    assert {type(n) for measures in readings.of_cut("day", "step=ή").values() for n in measures.values()} <= {int}
    content = [["day", "step=ή", sorted(expected.items())]] if expected else []
    text = json.dumps([content, {"m": {"ή": 1}}, 0], sort_keys=True, separators=(",", ":"))
    assert readings.digest({"m": {"ή": 1}}, 0) == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_the_rows_of_one_bucket_may_come_as_one() -> None:
    span = Span("day", 0, 10, frozenset({""}))
    apart = [Row("", 1, '{"a":1}'), Row("", 1, '{"a":2,"b":-1}'), Row("", 1, '{"b":1}')]
    together = [Row("", 1, '{"a":1},{"a":2,"b":-1},{"b":1}')]
    spaced = [Row("", 1, '{"a":1}, {"a":2,"b":-1}, {"b":1}')]
    expected = Readings({("day", ""): {1: {"a": 3}}})
    assert [Readings.of([span], [rows]) for rows in (apart, together, spaced)] == [expected] * 3


SURVIVAL = st.sampled_from(["surv.start", "surv.open.3", "surv.open.3.2", "surv.until.9"])
CELLS = st.dictionaries(st.one_of(NAMES, SURVIVAL, st.sampled_from(["e.n", "theme.x"])), AMOUNTS.filter(bool))


@given(st.lists(CELLS, max_size=3), st.booleans(), st.booleans())
def test_survival_is_put_apart_and_hashed_as_if_it_were_not(
    cells: list[dict[str, int]], canonical: bool, together: bool
) -> None:
    period = Period(FIRST, FIRST + timedelta(days=1), "UTC")
    span = Span("day", period.start_ms, period.end_ms, frozenset({""}))
    separators = (",", ":") if canonical else (", ", ": ")
    texts = [json.dumps(one, ensure_ascii=False, sort_keys=canonical, separators=separators) for one in cells]
    rows = [Row("", period.start_ms, text) for text in ([",".join(texts)] if together and texts else texts)]
    total: dict[str, int] = {}
    for one in cells:
        add(total, one)
    readings = Readings.of([span], [rows])
    rest = {name: amount for name, amount in total.items() if not name.startswith("surv.")}
    assert readings.of_cut("day", "") == ({period.start_ms: rest} if total else {})
    assert [rest | dict(one.measures) for one in readings.cohorts(period, "")] == ([total] if total else [])
    content = [["day", "", [[period.start_ms, total]]]] if total else []
    text = json.dumps([content], sort_keys=True, separators=(",", ":"))
    assert readings.digest() == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_names_that_only_look_like_survival_stay_where_they_are() -> None:
    span = Span("day", 0, 10, frozenset({""}))
    for data in (
        {'x"surv.y': 1, "z": 2},
        {"surv.start": 1, 'x"surv.y': 2},
        {"surv.start": 1, "a}b": 2, "surv.until.4": 3},
    ):
        readings = Readings.of([span], [[Row("", 1, json.dumps(data, separators=(",", ":")))]])
        rest = {name: n for name, n in data.items() if not name.startswith("surv.")}
        assert readings.of_cut("day", "") == {1: rest}


def test_a_day_within_a_month_leaves_its_survival_out() -> None:
    span = Span("month", 0, 10, frozenset({""}))
    month, day = Row("", 1, '{"a":1}'), Row("", 1, '{"a":2,"surv.start":1,"t":1}', of_day=True)
    assert Readings.of([span], [[month, day]]) == Readings({("month", ""): {1: {"a": 3, "t": 1}}})
