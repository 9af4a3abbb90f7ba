"""Rules and configuration of Prometheus, checked by Prometheus's own tool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.metric_names import made_names, read_names
from tests.support.tools import ROOT, program, run

FOLDER = ROOT / "deploy" / "prometheus"
GROUPS = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.mark.requirement("U4")
@pytest.mark.parametrize("arguments", [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml")])
def test_prometheus_takes_the_configuration_and_the_rules(arguments: tuple[str, ...]) -> None:
    done = run("promtool", *arguments[:2], str(FOLDER / arguments[2]))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.requirement("U4")
def test_every_alert_fires_when_it_should_and_only_then() -> None:
    done = subprocess.run(
        [program("promtool"), "test", "rules", "rules_test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    tested = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}

    assert tested == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("alert", [rule["alert"] for rule in ALERTS])
def test_every_alert_has_a_severity_a_summary_and_a_section_in_the_runbooks(alert: str) -> None:
    rule = next(rule for rule in ALERTS if rule["alert"] == alert)
    page, _, anchor = rule["annotations"]["runbook_url"].partition("/blob/main/")[2].partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text(), flags=re.MULTILINE)

    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    assert alert in headings
    assert anchor == alert.lower()


def test_rules_read_only_metrics_that_the_services_or_other_rules_make() -> None:
    known = made_names() | {rule["record"] for rule in RULES if "record" in rule} | {"up"}
    unknown = {rule.get("alert") or rule["record"]: read_names(rule["expr"]) - known for rule in RULES}

    assert {name: missing for name, missing in unknown.items() if missing} == {}


def test_prometheus_scrapes_every_part_that_runs_on_docker() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    running = {name for name, one in compose.items() if "build" in one and one.get("restart") != "no"}
    [job] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    targets = {target for one in job["static_configs"] for target in one["targets"]}

    assert targets == {f"{name}:8080" for name in running}


def test_the_names_that_rules_ask_for_are_in_the_job_that_is_scraped() -> None:
    [job] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]

    assert re.findall(r'job="(\w+)"', Path(FOLDER / "rules.yml").read_text()) == [job["job_name"]]
