"""The quality of a service's data over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.support.engine import SERVICE, Engine, days

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.requirement("E5.3.3")
async def test_a_report_names_faults_the_response_rate_and_whom_the_answers_speak_for(engine: Engine) -> None:
    await engine.watermark(NOW)
    async with engine.running() as client:
        await client.apply(SERVICE)
        october = days(date(2026, 10, 1), 31)
        await engine.count(
            {"j.started": 20, "j.fault": 1, "order.after_end": 2, "order.after_end.pay": 2, "e.completed": 15},
            *october,
            cuts=("", "channel=web"),
        )
        await engine.count({"e.completed": 15}, *october, cuts=("", "channel=phone"))
        await engine.count({"answers": 8, "rating.5": 8}, *october, cuts=("", "channel=web"))
        await engine.query(
            "INSERT INTO evaluation.sender_day VALUES"
            " ('telemetry.journeys', 0, 'parking', '2026-10-30', 3, 'urn:portal', 620, 310, 3600000)"
        )
        report = await client.get("/v1/services/parking/quality?period=2026-10")
        checks = {(one["check"], one["about"]): one["state"] for one in report["checks"]}
        assert checks["impossible_order", "journeys"] == "fault"
        assert checks["events_after_end", "journeys"] == "warning"
        assert report["out_of_order"] == [{"kind": "after_end", "step": "pay", "journeys": 62}]
        assert checks["clock_skew", "urn:portal"] == "fault"
        assert checks["source", "started"] == "ok"
        assert checks["source", "nps"] == "unknown"
        assert report["response"] == {"answers": 248, "users": 930, "rate": 248 / 930}
        [channel] = report["respondents"]
        assert (channel["dimension"], channel["differs"]) == ("channel", True)
        empty = (await client.get("/v1/services/parking/quality?period=2026-08"))["response"]
        assert empty == {"answers": 0, "users": 0, "rate": None}
        assert (await client.get("/v1/services/parking/quality"))["period"]["zone"] == "Europe/Athens"
        assert (await client.call("GET", "/v1/services/elsewhere/quality")).status_code == 404
        assert (await client.call("GET", "/v1/services/parking/quality?period=soon")).status_code == 422
