"""Measurements: added at an instant, spread over a period, replaced by a correction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from evaluation_engine.domain.sketch import bin_of
from tests.support.ingest import NOW, Ingest, measurement

OCTOBER: dict[str, Any] = {"period_from": "2026-10-01T00:00:00+03:00", "period_to": "2026-11-01T00:00:00+02:00"}


async def test_values_at_an_instant_add_up_in_thousandths(ingest: Ingest) -> None:
    await ingest.measurements(
        measurement("rent", 1.5, event_id="a", channel="web"), measurement("rent", 0.001, event_id="b")
    )

    assert await ingest.total() == {"m.rent.n": 2, "m.rent.sum": 1501, "m.rent.sumsq": 1500**2 + 1}
    assert (await ingest.total("channel=web"))["m.rent.sum"] == 1500


async def test_a_period_is_spread_over_its_days_without_a_rest(ingest: Ingest) -> None:
    await ingest.measurements(measurement("rent", 1000, event_id="a", **OCTOBER))

    await ingest.gather()
    rows = await ingest.query("SELECT data ->> 'm.rent.sum' FROM evaluation.aggregate WHERE grain = 'day' AND cut = ''")
    assert len(rows) == 31
    assert sum(int(row[0]) for row in rows) == 1_000_000
    assert (await ingest.audit()).imbalance == 0


async def test_a_correction_replaces_whatever_comes_first(ingest: Ingest) -> None:
    later = NOW + timedelta(minutes=1)
    await ingest.measurements(measurement("rent", 10, event_id="a", **OCTOBER))
    await ingest.measurements(measurement("rent", 30, event_id="c", recorded=later, **OCTOBER))
    await ingest.measurements(measurement("rent", 20, event_id="b", **OCTOBER))

    total = await ingest.total()
    assert (total["m.rent.sum"], total["m.rent.n"]) == (30_000, 31)
    assert (await ingest.audit()).imbalance == 0


async def test_another_channel_or_period_is_no_correction(ingest: Ingest) -> None:
    await ingest.measurements(
        measurement("rent", 10, event_id="a", **OCTOBER),
        measurement("rent", 20, event_id="b", channel="web", **OCTOBER),
        measurement(
            "rent", 30, event_id="c", period_from=OCTOBER["period_from"], period_to="2026-10-02T00:00:00+03:00"
        ),
    )

    assert (await ingest.total())["m.rent.sum"] == 60_000


async def test_a_period_of_more_than_ten_years_is_a_data_fault(ingest: Ingest) -> None:
    sent = measurement("rent", 1, event_id="a", period_from="2001-01-01T00:00:00Z", period_to="2026-01-01T00:00:00Z")

    assert await ingest.measurements(sent) == {"data_fault": 1}
    assert await ingest.letters() == [("data_fault", "period_too_long")]
    assert (await ingest.audit()).imbalance == 0


async def test_large_values_stay_exact(ingest: Ingest) -> None:
    await ingest.measurements(*(measurement("rent", 10**14 + n, event_id=str(n)) for n in range(3)))
    await ingest.measurements(measurement("rent", 1, event_id="last"))

    milli = [(10**14 + n) * 1000 for n in range(3)] + [1000]
    total = await ingest.total()
    assert total["m.rent.sumsq"] == sum(value * value for value in milli)


def lcp(*pairs: tuple[float, int], event_id: str, **over: Any) -> Any:
    seen = [{"value": value, "count": count} for value, count in pairs]
    return measurement("lcp", None, event_id=event_id, kind="timing", unit="ms", samples=seen, **over)


async def test_samples_are_kept_in_bins_and_a_correction_takes_every_one_of_them_out(ingest: Ingest) -> None:
    later = NOW + timedelta(minutes=1)
    await ingest.measurements(lcp((900, 7), (2_500.5, 2), event_id="a", **OCTOBER))
    await ingest.measurements(lcp((400, 62), event_id="b", recorded=later, **OCTOBER))
    await ingest.measurements(lcp((100, 3), event_id="c", recorded=NOW - timedelta(minutes=1), **OCTOBER))

    assert await ingest.total() == {
        "m.lcp.n": 31, "m.lcp.samples": 62, "m.lcp.sum": 62 * 400_000, "m.lcp.sumsq": 62 * 400_000**2,
        f"m.lcp.{bin_of(400_000)}": 62,
    }  # fmt: skip
    await ingest.gather()
    days = await ingest.query(
        "SELECT data ->> 'm.lcp.samples' FROM evaluation.aggregate"
        " WHERE grain = 'day' AND cut = '' AND data::text <> '{}'"
    )
    assert [row[0] for row in days] == ["2"] * 31  # a day of 25 hours among them is owed 2.08
    assert (await ingest.audit()).imbalance == 0


async def test_values_of_a_timing_at_an_instant_add_up_to_a_distribution(ingest: Ingest) -> None:
    sent = (measurement("inp", ms, event_id=str(ms), kind="timing", unit="ms", channel="web") for ms in (80, 80.4, 300))
    assert await ingest.measurements(*sent) == {"counted": 3}

    total = await ingest.total("channel=web")
    assert (total["m.inp.n"], total["m.inp.samples"], total["m.inp.sum"]) == (3, 3, 460_400)
    assert sum(n for name, n in total.items() if name.rpartition(".")[2].isdecimal()) == 3
    assert (await ingest.audit()).imbalance == 0


async def test_a_distribution_that_contradicts_itself_is_set_aside(ingest: Ingest) -> None:
    sent = measurement("lcp", 5, event_id="a", kind="timing", unit="s")

    assert await ingest.measurements(sent) == {"dead_lettered": 1}
    assert await ingest.total() == {}
    assert (await ingest.audit()).imbalance == 0
