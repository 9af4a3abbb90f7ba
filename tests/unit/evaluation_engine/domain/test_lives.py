"""Times of ends: whole arrays give to the last bit what the sums of each group say."""

from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.cohort import Cohort, Sums
from evaluation_engine.domain.journey import FULFILLED
from evaluation_engine.domain.lives import Lives
from evaluation_engine.domain.sketch import EDGES, bounds_of, centre_of

BIN = st.one_of(st.integers(0, 120), st.integers(1_400, 1_800), st.integers(0, len(EDGES) - 1))
WHERE = st.lists(st.floats(0, 1), min_size=1, max_size=8)
DAMAGED = st.tuples(st.integers(1, 9), st.integers(-(2**40), 2**40), st.integers(-(2**70), 2**70))


def sums_in(bin_: int, where: list[float]) -> tuple[int, int, int]:
    low, high = bounds_of(bin_)
    distances = [low + round((high - low) * one) - centre_of(bin_) for one in where]
    return len(distances), sum(distances), sum(one * one for one in distances)


GROUPS = st.dictionaries(BIN, st.one_of(WHERE, DAMAGED), max_size=6)


@given(GROUPS)
def test_ends_are_those_that_the_sums_of_each_group_say(drawn: dict[int, list[float] | tuple[int, int, int]]) -> None:
    groups = {bin_: one if isinstance(one, tuple) else sums_in(bin_, one) for bin_, one in drawn.items()}
    measures = {"surv.start": sum(n for n, _, _ in groups.values())}
    expected = []
    for bin_, (n, first, second) in groups.items():
        name, sums, (low, high) = f"surv.{FULFILLED}.{bin_}", Sums(n, first, second), bounds_of(bin_)
        measures |= {name: n, f"{name}.1": first, f"{name}.2": second}
        known = sums.known(narrow=low >= high)
        times = sums.times(centre_of(bin_), low, high) if n > 1 else ((centre_of(bin_) + first, 1),)
        expected += [(float(time), bin_, many, known) for time, many in times]
    ends = Lives.of([Cohort(0, 86_400_000, measures)], EDGES[-1] + 1).ends
    columns = (ends.time_ms, ends.bin, ends.n, ends.known)
    assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == sorted(expected)
