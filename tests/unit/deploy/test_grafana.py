"""The dashboard: every query reads metrics that exist, and Prometheus can parse it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.metric_names import made_names, read_names
from tests.support.tools import ROOT, run

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
RECORDED = {
    rule["record"]
    for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
}


def dashboard(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def queries(path: Path) -> list[str]:
    """Return all queries with Grafana's variables filled in."""
    found = [target["expr"] for panel in dashboard(path)["panels"] for target in panel.get("targets", ())]
    return [one.replace("$__rate_interval", "5m").replace("$service", ".*").replace("$kpi", ".*") for one in found]


def test_there_is_a_dashboard_with_queries() -> None:
    assert len(DASHBOARDS) == 1
    assert len(queries(DASHBOARDS[0])) > 20


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_reads_only_metrics_that_exist(path: Path) -> None:
    known = made_names() | RECORDED
    unknown = {query: read_names(query) - known for query in queries(path)}

    assert {query: names for query, names in unknown.items() if names} == {}


def test_whatever_makes_somebody_act_is_on_the_dashboard() -> None:
    shown = {name for query in queries(DASHBOARDS[0]) for name in read_names(query)}
    acted_on = {
        "civiloop_dead_letters",
        "civiloop_facts_expired_total",
        "civiloop_ingest_partition_stopped",
        "civiloop_ledger_imbalance",
        "civiloop_open_problem_age_seconds",
        "civiloop_open_problems",
        "civiloop_target_at_risk",
        "civiloop_webhook_failing",
        "civiloop_webhook_waiting",
        "civiloop_webhooks_stopped",
    }

    assert acted_on <= shown


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_prometheus_can_parse_every_query(path: Path, tmp_path: Path) -> None:
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries(path))]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    done = run("promtool", "check", "rules", "--lint=none", str(file))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_variables_are_filled_from_metrics_that_exist(path: Path) -> None:
    for variable in dashboard(path)["templating"]["list"]:
        asked = variable["query"]["query"].removeprefix("label_values(").split(",")[0]
        assert read_names(asked) <= made_names()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_say_what_they_show_and_do_not_lie_upon_each_other(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    ids = set()
    for panel in dashboard(path)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        assert panel["type"] == "row" or panel["description"], panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        ids.add(panel["id"])
    assert len(ids) == len(dashboard(path)["panels"])


def test_the_provisioned_datasource_is_the_one_that_panels_ask() -> None:
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    asked = {panel["datasource"]["uid"] for panel in dashboard(DASHBOARDS[0])["panels"] if panel["type"] != "row"}

    assert asked == {source["uid"]}
    assert "prometheus" in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert source["url"] == "http://prometheus:9090"


def test_the_provisioned_folder_is_where_the_dashboards_are_mounted() -> None:
    [provider] = yaml.safe_load((GRAFANA / "provisioning/dashboards/civiloop.yml").read_text())["providers"]
    mounts = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]

    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
