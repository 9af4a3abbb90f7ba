import warnings

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from statsmodels.duration.survfunc import SurvfuncRight

from evaluation_engine.domain.accumulator import merge
from evaluation_engine.domain.contribution import FactContext, of_journey
from evaluation_engine.domain.journey import fold, settle
from evaluation_engine.domain.sketch import RELATIVE_ERROR, bin_of, middle_of
from evaluation_engine.domain.survival import Cohort, LifeTable, life_table, quantile, restricted_mean
from tests.unit.evaluation_engine.domain.evidences import cohort
from tests.unit.evaluation_engine.domain.journeys import DAY, T0, event

pytestmark = pytest.mark.requirement("A4")
FAR = 10**15


class Raw:
    """Rows with a time in ms and a cause ("" when censored), and the table of the same rows."""

    def __init__(self, seed: int, n: int, *, competing: bool, censor: float = 0.3) -> None:
        random = np.random.default_rng(seed)
        ends = np.array([middle_of(bin_of(int(v))) for v in random.lognormal(20, 1, n)])
        until = np.array([int(v) for v in random.lognormal(20.7, 1, n)]) if censor else np.full(n, 10**13)
        self.times = np.minimum(ends, until)
        causes = random.choice(["fulfilled", "refused", "withdrawn"] if competing else ["fulfilled"], n)
        self.causes = np.where(ends <= until, causes, "")

    @property
    def fulfilled(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray(self.causes == "fulfilled")

    def table(self) -> LifeTable:
        return life_table(self.cohorts(), FAR)

    def cohorts(self) -> list[Cohort]:
        cohorts = []
        for time, cause in zip(self.times, self.causes, strict=True):
            start = FAR - round(time)
            if cause:
                cohorts.append(cohort(0, 1, 1, {(str(cause), bin_of(round(time))): 1}))
            else:
                cohorts.append(cohort(start, start, 1, {}))
        return cohorts


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("competing", [False, True])
def test_kaplan_meier_and_greenwood_equal_lifelines_and_statsmodels(seed: int, competing: bool) -> None:
    raw = Raw(seed, 200, competing=competing)
    table = raw.table()
    curve = KaplanMeierFitter().fit(raw.times, raw.fulfilled)
    other = SurvfuncRight(raw.times, raw.fulfilled.astype(int))
    for step in table.survival:
        assert step.value == pytest.approx(float(curve.predict(step.row.time_ms)), rel=1e-9)
    errors = dict(zip(other.surv_times, other.surv_prob_se, strict=True))
    for step in table.survival[:-1]:
        time = min(errors, key=lambda t: abs(t - step.row.time_ms))
        assert step.value * step.spread**0.5 == pytest.approx(errors[time], rel=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_the_restricted_mean_equals_lifelines(seed: int) -> None:
    raw = Raw(seed, 200, competing=False)
    horizon = 8e8
    found = restricted_mean(raw.table(), horizon)
    assert found is not None
    expected = restricted_mean_survival_time(KaplanMeierFitter().fit(raw.times, raw.fulfilled), t=horizon)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.bounds.low < found.value < found.bounds.high


def test_without_censoring_the_restricted_mean_is_the_mean_of_the_capped_rows_and_so_is_its_error() -> None:
    raw = Raw(3, 300, competing=False, censor=0)
    found = restricted_mean(raw.table(), 6e8)
    assert found is not None
    capped = np.minimum(raw.times, 6e8)
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
    for step in raw.table().incidence[::10]:
        assert step.value == pytest.approx(float(shares[shares.index <= step.row.time_ms + 1].iloc[-1]), rel=2e-3)


def test_the_variance_of_an_incidence_matches_the_bootstrap() -> None:
    raw = Raw(7, 300, competing=True)
    random = np.random.default_rng(1)
    steps = raw.table().incidence
    middle = steps[len(steps) // 2]
    boots = []
    for _ in range(250):
        pick = random.integers(0, 300, 300)
        other = Raw.__new__(Raw)
        other.times, other.causes = raw.times[pick], raw.causes[pick]
        reached = [s.value for s in other.table().incidence if s.row.time_ms <= middle.row.time_ms]
        boots.append(reached[-1])
    assert middle.spread**0.5 == pytest.approx(float(np.std(boots)), rel=0.15)


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
    for step in Raw(5, 250, competing=True, censor=0).table().incidence:
        assert step.spread == pytest.approx(step.value * (1 - step.value) / 250, rel=0.01)


def test_whoever_leaves_at_the_time_of_an_end_was_at_risk_of_it() -> None:
    exact = round(middle_of(bin_of(90)))
    cohorts = [cohort(FAR - exact, FAR - exact, 1, {}), cohort(0, 0, 1, {("fulfilled", bin_of(90)): 1})]
    assert life_table(cohorts, FAR).rows[0].at_risk == 2


def test_a_quantile_that_the_curve_does_not_get_to_is_not_reached_but_bounded_from_below() -> None:
    table = life_table([cohort(0, 0, 100, {("fulfilled", bin_of(5 * DAY)): 20})], 30 * DAY)
    found = quantile(table, 0.5)
    assert found.value is None
    assert found.bounds.high is None
    assert found.bounds.low == pytest.approx(30 * DAY)


def test_where_other_ends_compete_most_may_never_be_fulfilled() -> None:
    ends = {("refused", bin_of(DAY)): 60, ("fulfilled", bin_of(2 * DAY)): 40}
    table = life_table([cohort(0, 0, 100, ends)], 30 * DAY)
    assert table.incidence[-1].value == pytest.approx(0.4)
    assert quantile(table, 0.5).value is None
    assert table.open == 0


def test_as_of_an_earlier_day_what_ended_later_is_still_open() -> None:
    cohorts = [cohort(0, DAY, 10, {("fulfilled", bin_of(20 * DAY)): 10}), cohort(15 * DAY, 16 * DAY, 5, {})]
    table = life_table(cohorts, 10 * DAY)
    assert (table.started, table.open, table.fulfilled) == (10, 10, 0)


@pytest.mark.parametrize("seed", range(3))
def test_the_sum_of_the_cohorts_gives_the_same_table_and_is_not_used_where_it_does_not_add_up(seed: int) -> None:
    cohorts = Raw(seed, 60, competing=True).cohorts()
    merged = merge(c.measures for c in cohorts)
    assert life_table(cohorts, FAR, merged=merged) == life_table(cohorts, FAR)
    assert life_table(cohorts[1:], FAR, merged=merged) == life_table(cohorts[1:], FAR)


def test_nobody_started_gives_an_empty_table() -> None:
    table = life_table([], FAR)
    assert restricted_mean(table, 1e9) is None
    assert quantile(table, 0.5).value is None


def test_cohorts_come_from_the_measures_of_a_start_day() -> None:
    context = FactContext("UTC", None, frozenset(), frozenset(), frozenset(), {})
    state = fold([event("started"), event("refused", 60 * 24)])
    assert state is not None
    share = of_journey(state, settle(state, now_ms=T0, limit_ms=None), context)[0]
    found = Cohort(T0, T0 + DAY, share.measures)
    assert (found.started, found.ended, found.ends) == (1, 1, {("refused", bin_of(DAY)): 1})
