import json

from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import LazySum, add, canonical, difference, merge, subtract

maps = st.dictionaries(st.sampled_from(["a", "b", "c", "dur.sum"]), st.integers(-(10**30), 10**30))
quick = settings(deadline=None, max_examples=100)


@quick
@given(maps, maps)
def test_what_was_put_in_can_be_taken_out(one: dict[str, int], other: dict[str, int]) -> None:
    total = merge([one])
    before = dict(total)
    add(total, other)
    subtract(total, other)
    assert total == before


@quick
@given(st.lists(maps, max_size=6), st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_the_order(parts: list[dict[str, int]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert canonical(merge(parts)) == canonical(merge(shuffled))


@quick
@given(maps, maps)
def test_the_difference_leads_from_old_to_new(new: dict[str, int], old: dict[str, int]) -> None:
    reached = merge([old])
    add(reached, difference(new, old))
    assert reached == merge([new])
    assert 0 not in difference(new, old).values()


@quick
@given(st.lists(maps, max_size=6))
def test_a_sum_made_name_by_name_is_the_sum(parts: list[dict[str, int]]) -> None:
    lazy, whole = LazySum(parts), merge(parts)
    assert dict(lazy) == whole
    assert len(lazy) == len(whole)
    assert [lazy.get(name, 0) for name in ("a", "b", "c", "d")] == [whole.get(name, 0) for name in ("a", "b", "c", "d")]
    assert ("a" in lazy) == ("a" in whole)


def test_a_sum_leaves_its_parts_as_they_are() -> None:
    parts = [{"a": 1}, {"b": 2}, {"a": 3}]
    assert merge(parts) == {"a": 4, "b": 2}
    assert parts == [{"a": 1}, {"b": 2}, {"a": 3}]


def test_canonical_text_has_sorted_keys_and_no_zeros() -> None:
    assert canonical({"b": 2, "a": -1, "z": 0}) == '{"a":-1,"b":2}'
    assert json.loads(canonical({"dur.sumsq": 10**40})) == {"dur.sumsq": 10**40}
