"""What the engine has stored, over REST and CSV, while the engine itself is down."""

from __future__ import annotations

import csv
import io

import asyncpg
import pytest

from tests.integration.reporting.conftest import FORMULA, Api, World, running


async def test_services_are_those_of_the_keys_body(api: Api) -> None:
    assert [one["id"] for one in (await api.get("/v1/services")).json()["items"]] == ["dogs", "parking", "quiet"]
    assert [one["id"] for one in (await api.get("/v1/services", key="of town")).json()["items"]] == ["harbour"]


async def test_services_come_in_pages(api: Api) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(f"/v1/services?limit=1{cursor and f'&cursor={cursor}'}")).json()
        assert len(page["items"]) == 1
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]

    assert found == ["dogs", "parking", "quiet"]


async def test_a_key_of_some_services_sees_those_only(api: Api) -> None:
    assert [one["id"] for one in (await api.get("/v1/services", key="of dogs")).json()["items"]] == ["dogs"]
    assert (await api.get("/v1/services/parking/scorecard", key="of dogs")).status_code == 403


async def test_a_page_for_a_key_of_some_services_is_full_although_others_stand_before(world: World) -> None:
    async with running(world) as api:
        page = (await api.get("/v1/services?limit=1", key="of dogs")).json()

    assert [one["id"] for one in page["items"]] == ["dogs"]
    assert page["next"] is None


@pytest.mark.parametrize("path", ["scorecard", "evaluations", "findings", "redesign", "kpis/csat/series"])
@pytest.mark.parametrize(("key", "service"), [("reader", "harbour"), ("of town", "parking"), ("reader", "nothing")])
async def test_another_bodys_service_does_not_exist(api: Api, key: str, service: str, path: str) -> None:
    answer = await api.get(f"/v1/services/{service}/{path}", key=key)

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-service")


@pytest.mark.requirement("U3")
async def test_a_closed_month_is_shown_as_it_was_evaluated_last(api: Api) -> None:
    card = (await api.get("/v1/services/parking/scorecard?period=2026-10")).json()
    csat = next(one for one in card["results"] if one["kpi"] == "csat")

    assert (card["number"], card["revision"], card["closed"]) == (1, 2, True)
    assert csat["n"] == 130
    assert card["title"]["el"] == "Άδεια στάθμευσης"
    assert card["definitions"][0]["formula"]


async def test_the_live_state_is_shown_and_says_that_it_is_not_closed(api: Api) -> None:
    card = (await api.get("/v1/services/parking/scorecard")).json()

    assert (card["asked_period"], card["closed"], card["number"]) == ("live", False, 0)


async def test_a_service_without_evaluation_says_so(api: Api) -> None:
    for path in ("scorecard", "redesign"):
        answer = await api.get(f"/v1/services/quiet/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "nothing-evaluated")


async def test_evaluations_come_newest_first_with_their_revisions_on_request(api: Api) -> None:
    newest = (await api.get("/v1/services/parking/evaluations")).json()
    every = (await api.get("/v1/services/parking/evaluations?revisions=true")).json()

    assert [(one["number"], one["revision"]) for one in newest["items"]] == [(5, 1), (4, 1), (3, 1), (2, 1), (1, 2)]
    assert [(one["number"], one["revision"]) for one in every["items"]][-2:] == [(1, 2), (1, 1)]
    assert newest["items"][-1]["changed"], "a revision says what it changes"


async def test_evaluations_come_in_pages(api: Api) -> None:
    first = (await api.get("/v1/services/parking/evaluations?limit=2")).json()
    second = (await api.get(f"/v1/services/parking/evaluations?limit=3&cursor={first['next']}")).json()

    assert [one["number"] for page in (first, second) for one in page["items"]] == [5, 4, 3, 2, 1]
    assert second["next"] is None


@pytest.mark.requirement("E5.3.4")
async def test_the_redesign_verdict_is_that_of_the_latest_period_not_of_the_latest_evaluation(api: Api) -> None:
    told = (await api.get("/v1/services/parking/redesign")).json()

    assert (told["number"], told["period"]["end"]) == (1, "2026-10-31T22:00:00Z")
    assert told["benchmarks"][0]["verdict"] == "improve"
    assert told["benchmarks"][0]["clauses"][0]["explanation"]


@pytest.mark.parametrize(
    "path",
    ["/v1/services", "/v1/services/parking/scorecard?period=2026-10", "/v1/services/parking/evaluations"],
)
async def test_what_did_not_change_is_not_sent_again(api: Api, path: str) -> None:
    first = await api.get(path)
    again = await api.get(path, **{"If-None-Match": first.headers["etag"]})
    other = await api.get(path, **{"If-None-Match": '"other"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert other.status_code == 200
    assert "Authorization" in first.headers["vary"], "no cache may give one key's answer to another"


@pytest.mark.requirement("B9")
@pytest.mark.parametrize(
    "name",
    ["services", "services/parking/scorecard", "services/parking/evaluations", "services/parking/redesign"],
)
async def test_tables_come_as_csv_by_ending_and_by_accept(api: Api, name: str) -> None:
    by_ending = await api.get(f"/v1/{name}.csv")
    by_accept = await api.get(f"/v1/{name}", Accept="application/json;q=0.5, text/csv")

    assert by_ending.headers["content-type"].startswith("text/csv")
    assert by_ending.content == by_accept.content
    assert ".csv" in by_ending.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(by_ending.text.removeprefix("\ufeff"))))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}


async def test_a_row_of_csv_has_all_that_is_needed_to_judge_it(api: Api) -> None:
    text = (await api.get("/v1/services/parking/scorecard.csv?period=2026-10")).text
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    csat = next(row for row in rows if row["kpi"] == "csat" and not row["cut"])

    assert (csat["state"], csat["n"], csat["unit"], csat["zone"]) == ("ok", "130", "%", "Europe/Athens")
    assert csat["interval_low"] < csat["value"] < csat["interval_high"]
    assert (csat["interval_method"], csat["interval_level"], csat["definition_version"]) == ("wilson", "0.95", "1")


async def test_no_cell_runs_as_a_formula(api: Api) -> None:
    rows = list(csv.reader(io.StringIO((await api.get("/v1/services.csv")).text.removeprefix("\ufeff"))))

    assert any(cell == f"'{FORMULA}" for row in rows for cell in row)
    assert not any(cell.startswith(("=", "@")) for row in rows for cell in row)


@pytest.mark.requirement("B7")
@pytest.mark.parametrize(
    "path",
    [
        "kpis/csat/series?from=2026-08-01&to=2026-11-01",
        "kpis/csat/series.csv",
        "scorecard?period=2026-10-01/2026-10-09",
    ],
)
async def test_without_the_engine_what_must_be_computed_is_unavailable_for_a_while(api: Api, path: str) -> None:
    answer = await api.get(f"/v1/services/parking/{path}")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.requirement("A8")
async def test_a_finding_is_listed_once_with_how_often_it_came(api: Api) -> None:
    [one] = (await api.get("/v1/services/parking/findings?kind=target_missed")).json()["findings"]

    assert (one["kind"], one["numbers"]["target"]) == ("target_missed", "nearly-all")
    assert (one["status"], one["times"], one["of_evaluations"]) == ("recurring", 3, 3)
    assert (await api.get("/v1/services/parking/findings?status=past")).json()["findings"] == []


@pytest.mark.requirement("B7")
async def test_findings_come_as_csv_with_their_method(api: Api) -> None:
    answer = await api.get("/v1/services/parking/findings.csv?kind=target_missed")
    [row] = csv.DictReader(io.StringIO(answer.text))

    assert (row["kind"], row["times"], row["cause"]) == ("target_missed", "3", "target=nearly-all")
    assert row["method"]


@pytest.mark.requirement("B14")
async def test_without_the_engine_it_is_ready_all_the_same(api: Api) -> None:
    assert (await api.client.get("/readyz")).json() == {"status": "ready", "missing": {}}


async def test_its_role_can_only_read_the_views(world: World) -> None:
    connection = await asyncpg.connect(world.engine.database.reporting)
    try:
        assert await connection.fetchval("SELECT count(*) FROM reporting_v1.evaluation") > 0
        for statement in (
            "SELECT * FROM evaluation.answer",
            "SELECT * FROM feedback.feedback",
            "DELETE FROM evaluation.evaluation",
            "CREATE TABLE reporting_v1.mine (id int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
