import warnings
from collections.abc import Mapping
from copy import copy

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from statsmodels.duration.survfunc import SurvfuncRight

from evaluation_engine.domain.accumulator import Measures, add
from evaluation_engine.domain.cohort import HOUR_MS, Cohort
from evaluation_engine.domain.contribution.address import Share
from evaluation_engine.domain.contribution.context import COUNTING, FactContext
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.journey import fold
from evaluation_engine.domain.lives import DAY_BY_DAY
from evaluation_engine.domain.sketch import RELATIVE_ERROR, bin_of, centre_of, middle_of
from evaluation_engine.domain.survival import LifeTable, life_table, quantile, restricted_mean
from tests.unit.evaluation_engine.domain.evidences import cohort
from tests.unit.evaluation_engine.domain.journeys import DAY, T0, event

pytestmark = pytest.mark.requirement("A4")
FAR = 10**15


CONTEXT = FactContext("UTC", None, frozenset(), frozenset(), frozenset(), {}, COUNTING)


class Raw:
    """Rows with a time in ms and a cause ("" when censored), and the table of what ingest counts of the same rows."""

    def __init__(
        self, seed: int, n: int, *, competing: bool, censor: bool = True, days: int = 100, imported: bool = False
    ) -> None:
        random = np.random.default_rng(seed)
        self.starts = T0 + random.integers(0, days * DAY, n)
        self.as_of = T0 + days * DAY if censor else FAR
        self.imported = imported
        took = random.lognormal(21, 1, n).astype(int) + 1
        followed = self.as_of - self.starts
        self.times = np.minimum(took, followed)
        causes = random.choice(["fulfilled", "refused", "withdrawn"] if competing else ["fulfilled"], n)
        self.causes = np.where(took <= followed, causes, "")

    @property
    def fulfilled(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray(self.causes == "fulfilled")

    def table(self) -> LifeTable:
        as_of = FAR if self.imported else self.as_of
        return life_table(self.cohorts(), as_of)

    def cohorts(self) -> list[Cohort]:
        by_day: dict[int, Measures] = {}
        for start, time, cause in zip(self.starts.tolist(), self.times.tolist(), self.causes.tolist(), strict=True):
            for share in self.shares(start, time, cause):
                if share.address.quarter is None:
                    add(by_day.setdefault(share.address.day, {}), share.measures)
        return [Cohort(day, day + DAY, measures) for day, measures in by_day.items()]

    def shares(self, start: int, time: int, cause: str) -> tuple[Share, ...]:
        until = self.as_of if self.imported else None
        begun = event("started", observed_until_ms=until)._replace(at_ms=start)
        state = fold([begun, event(cause)._replace(at_ms=start + time)] if cause else [begun])
        assert state is not None
        return of_journey(state, state.end, CONTEXT)

    def mean(self, horizon: float) -> float:
        """The restricted mean of the rows by lifelines."""
        return float(restricted_mean_survival_time(KaplanMeierFitter().fit(self.times, self.fulfilled), t=horizon))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("competing", [False, True])
def test_kaplan_meier_and_greenwood_equal_lifelines_and_statsmodels(seed: int, competing: bool) -> None:
    raw = Raw(seed, 200, competing=competing)
    table = raw.table()
    curve = KaplanMeierFitter().fit(raw.times, raw.fulfilled)
    other = SurvfuncRight(raw.times, raw.fulfilled.astype(int))
    steps = list(zip(table.survival.rows.time_ms.tolist(), table.survival.value, table.survival.spread, strict=True))
    for at, value, _ in steps:
        assert value == pytest.approx(float(curve.predict(at)), rel=1e-9)
    errors = dict(zip(other.surv_times, other.surv_prob_se, strict=True))
    for at, value, spread in steps[:-1]:
        time = min(errors, key=lambda t: abs(t - at))
        assert value * spread**0.5 == pytest.approx(errors[time], rel=1e-7)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("competing", [False, True])
@pytest.mark.parametrize("imported", [False, True])
def test_the_restricted_mean_equals_lifelines_on_the_raw_rows(seed: int, competing: bool, imported: bool) -> None:
    raw = Raw(seed, 250, competing=competing, imported=imported)
    horizon = 60 * DAY
    found = restricted_mean(raw.table(), horizon)
    assert found is not None
    assert found.value == pytest.approx(raw.mean(horizon), rel=1e-12)
    assert found.within == (found.value, found.value)
    assert found.bounds.low < found.value < found.bounds.high


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("competing", [False, True])
@pytest.mark.parametrize("horizon", [5 * DAY, 9 * DAY])
def test_where_many_fall_into_one_bin_of_one_day_the_mean_of_the_raw_rows_lies_between_two_close_bounds(
    seed: int, competing: bool, horizon: int
) -> None:
    raw = Raw(seed, 3_000, competing=competing, days=10)
    found = restricted_mean(raw.table(), horizon)
    assert found is not None
    assert not found.within.low == found.value == found.within.high
    assert found.within.low <= raw.mean(horizon) <= found.within.high
    assert found.value == pytest.approx(raw.mean(horizon), rel=2e-5)
    assert found.within.high - found.within.low < 2e-3 * found.value


def test_many_ends_are_told_by_their_bins_and_bounded_too() -> None:
    raw = Raw(2, DAY_BY_DAY + 12_000, competing=False, days=60)
    table = raw.table()
    assert table.rows.time_ms.size < 2_000
    found = restricted_mean(table, 40 * DAY)
    assert found is not None
    assert found.within.low <= raw.mean(40 * DAY) <= found.within.high
    assert found.value == pytest.approx(raw.mean(40 * DAY), rel=1e-6)


def before_sums(measures: Mapping[str, int]) -> Measures:
    return {name: n for name, n in measures.items() if name.count(".") < 3 and not name.startswith("surv.open")}


@pytest.mark.parametrize("seed", range(4))
def test_what_was_counted_before_there_were_sums_lies_in_the_middle_and_near(seed: int) -> None:
    raw = Raw(seed, 250, competing=True)
    old = [Cohort(day.start_ms, day.end_ms, before_sums(day.measures)) for day in raw.cohorts()]
    found = restricted_mean(life_table(old, raw.as_of), 60 * DAY)
    assert found is not None
    assert found.value == pytest.approx(raw.mean(60 * DAY), rel=5e-3)
    assert found.within.low < found.value < found.within.high


def test_without_censoring_the_restricted_mean_is_the_mean_of_the_capped_rows_and_so_is_its_error() -> None:
    raw = Raw(3, 300, competing=False, censor=False)
    found = restricted_mean(raw.table(), 30 * DAY)
    assert found is not None
    capped = np.minimum(raw.times, 30 * DAY)
    assert found.value == pytest.approx(capped.mean(), rel=1e-9)
    assert (found.bounds.high - found.bounds.low) / 2 / 1.959964 == pytest.approx(capped.std() / 300**0.5, rel=1e-6)


def test_a_restricted_mean_says_the_horizon_it_could_reach() -> None:
    raw = Raw(1, 50, competing=False)
    found = restricted_mean(raw.table(), 1e14)
    assert found is not None
    assert found.horizon_ms == pytest.approx(raw.times.max(), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_aalen_johansen_equals_lifelines(seed: int) -> None:
    raw = Raw(seed, 200, competing=True)
    codes = np.select([raw.causes == "", raw.fulfilled], [0, 1], 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = AalenJohansenFitter(seed=1).fit(raw.times + np.arange(200) * 1e-6, codes, event_of_interest=1)
    shares = fitter.cumulative_density_["CIF_1"]
    found = raw.table().incidence
    for at, value in zip(found.rows.time_ms[::10], found.value[::10], strict=True):
        assert value == pytest.approx(float(shares[shares.index <= at + 1].iloc[-1]), rel=5e-3)


def test_the_variance_of_an_incidence_matches_the_bootstrap() -> None:
    raw = Raw(7, 300, competing=True)
    random = np.random.default_rng(1)
    found = raw.table().incidence
    middle = found.value.size // 2
    boots = []
    for _ in range(250):
        pick = random.integers(0, 300, 300)
        other = copy(raw)
        other.starts, other.times, other.causes = raw.starts[pick], raw.times[pick], raw.causes[pick]
        again = other.table().incidence
        boots.append(again.value[again.rows.time_ms <= found.rows.time_ms[middle]][-1])
    assert found.spread[middle] ** 0.5 == pytest.approx(float(np.std(boots)), rel=0.15)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_quantiles_are_within_the_bin_of_statsmodels(seed: int, q: float) -> None:
    raw = Raw(seed, 400, competing=False)
    found = quantile(raw.table(), q)
    other = SurvfuncRight(raw.times, raw.fulfilled.astype(int))
    assert found.value == pytest.approx(other.quantile(q), rel=RELATIVE_ERROR)
    low, high = other.quantile_ci(q, method="log")
    assert found.bounds.low == pytest.approx(low, rel=0.0101)
    if found.bounds.high is not None and np.isfinite(high):
        assert found.bounds.high == pytest.approx(high, rel=0.0101)


def test_without_censoring_the_variance_of_an_incidence_is_the_binomial_one() -> None:
    _, share, variance = Raw(5, 250, competing=True, censor=False).table().incidence
    assert variance == pytest.approx(share * (1 - share) / 250, rel=0.01)


def test_squares_past_64_bits_stay_exact_also_where_days_are_counted_together() -> None:
    years = 365 * DAY
    bin_ = bin_of(150 * years)
    centre = centre_of(bin_)
    one, other = centre - 12_345_678_901, centre + 9_876_543_211
    distances = (one - centre, other - centre)
    name = f"surv.fulfilled.{bin_}"
    pair = {"surv.start": 2, name: 2, f"{name}.1": sum(distances), f"{name}.2": sum(d * d for d in distances)}
    assert pair[f"{name}.2"] > 2**63
    assert life_table([Cohort(0, DAY, pair)], FAR).rows.time_ms.tolist() == [one, other]
    many = {"surv.start": DAY_BY_DAY, name: DAY_BY_DAY, f"{name}.1": DAY_BY_DAY * 7, f"{name}.2": DAY_BY_DAY * 49}
    table = life_table([Cohort(0, DAY, many), Cohort(DAY, 2 * DAY, many)], FAR)
    assert table.rows.time_ms.tolist() == [centre + 7]
    assert table.rows.ended.tolist() == [2 * DAY_BY_DAY]


def test_measures_of_something_else_and_sums_without_a_number_are_no_journeys() -> None:
    end = f"surv.fulfilled.{bin_of(3 * DAY)}"
    measures = {"dur.n": 4, f"{end}.1": 5, f"{end}.2": 25, "surv.start": 1, "surv.open.3": 1, "surv.other.3": 9}
    table = life_table([Cohort(0, DAY, measures)], 10 * DAY)
    assert (table.started, table.open, table.causes) == (1, 1, {})
    assert table.followed_ms == 10 * DAY - 3.5 * HOUR_MS


def test_whoever_leaves_at_the_time_of_an_end_was_at_risk_of_it() -> None:
    exact = round(middle_of(bin_of(90)))
    cohorts = [cohort(FAR - exact, FAR - exact, 1, {}), cohort(0, 0, 1, {("fulfilled", bin_of(90)): 1})]
    assert life_table(cohorts, FAR).rows.at_risk[0] == 2


def test_a_quantile_that_the_curve_does_not_get_to_is_not_reached_but_bounded_from_below() -> None:
    table = life_table([cohort(0, 0, 100, {("fulfilled", bin_of(5 * DAY)): 20})], 30 * DAY)
    found = quantile(table, 0.5)
    assert found.value is None
    assert found.bounds.high is None
    assert found.bounds.low == pytest.approx(30 * DAY)


def test_where_other_ends_compete_most_may_never_be_fulfilled() -> None:
    ends = {("refused", bin_of(DAY)): 60, ("fulfilled", bin_of(2 * DAY)): 40}
    table = life_table([cohort(0, 0, 100, ends)], 30 * DAY)
    assert table.incidence.value[-1] == pytest.approx(0.4)
    assert quantile(table, 0.5).value is None
    assert table.open == 0


def test_as_of_an_earlier_day_what_ended_later_is_still_open() -> None:
    cohorts = [cohort(0, DAY, 10, {("fulfilled", bin_of(20 * DAY)): 10}), cohort(15 * DAY, 16 * DAY, 5, {})]
    table = life_table(cohorts, 10 * DAY)
    assert (table.started, table.open, table.fulfilled) == (10, 10, 0)


def test_nobody_started_gives_an_empty_table() -> None:
    table = life_table([], FAR)
    assert restricted_mean(table, 1e9) is None
    assert quantile(table, 0.5).value is None
