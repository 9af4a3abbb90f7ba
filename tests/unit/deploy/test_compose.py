"""docker-compose.yml, as far as it can be checked without Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic_settings import BaseSettings

from civiloop_cli.runtime.database import LAYOUT
from civiloop_shared.auth.keys import parse_key
from civiloop_shared.settings import CommonSettings
from evaluation_engine.settings import DatabaseSettings, EngineSettings
from feedback_api.settings import Settings as FeedbackSettings
from metrics_collector.settings import Settings as CollectorSettings
from reporting.settings import ReportingSettings
from tests.support.tools import ROOT, run

pytestmark = pytest.mark.requirement("B20")

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
SETTINGS: dict[str, type[CommonSettings]] = {
    "topics": CommonSettings,
    "migrate-feedback": FeedbackSettings,
    "migrate-engine": DatabaseSettings,
    "feedback-api": FeedbackSettings,
    "metrics-collector": CollectorSettings,
    "evaluation-engine": EngineSettings,
    "evaluation-worker": EngineSettings,
    "reporting": ReportingSettings,
}


def made_environment() -> dict[str, str]:
    """Return what deploy/make_env.py writes into .env."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/make_env.py")], capture_output=True, text=True, timeout=20, check=True
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def filled_in(text: str, given: dict[str, str]) -> str:
    """Fill ${NAME:?...} in, as Docker does."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: given[found[1]], text)


def environment_names(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config["env_prefix"]
    fields = settings.model_fields.items()
    return {str(field.validation_alias or f"{prefix}{name.upper()}") for name, field in fields}


def test_it_is_valid_under_the_schema_of_the_compose_specification() -> None:
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())

    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_it_starts_all_four_services_and_the_worker() -> None:
    assert set(OURS) == set(SETTINGS)
    assert {one["build"]["args"]["SERVICE"] for one in OURS.values()} == {
        path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml")
    }


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_change_nothing_and_gain_nothing(name: str) -> None:
    service = OURS[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert "user" not in service  # the image's own: see the Dockerfile


@pytest.mark.parametrize("name", OURS)
def test_images_of_ours_have_the_version_of_the_package(name: str) -> None:
    service = OURS[name]["build"]["args"]["SERVICE"]
    version = re.search(r'^version = "(.+)"$', (ROOT / f"services/{service}/pyproject.toml").read_text(), re.MULTILINE)

    assert version
    assert OURS[name]["image"] == f"civiloop/{service}:{version[1]}"


def test_images_of_others_are_pinned_to_a_version() -> None:
    for name, service in SERVICES.items():
        image, _, tag = service["image"].partition(":")
        assert re.match(r"v?\d+", tag), f"{name}: {image} has no version"


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_the_service_reads(name: str) -> None:
    given = set(OURS[name].get("environment", {}))
    known = environment_names(EngineSettings if name in {"topics", "migrate-engine"} else SETTINGS[name])

    assert given <= known


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_complete_and_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = made_environment()
    for variable in [variable for variable in os.environ if variable.startswith("CIVILOOP_")]:
        monkeypatch.delenv(variable)
    for variable, value in OURS[name].get("environment", {}).items():
        monkeypatch.setenv(variable, filled_in(str(value), secrets))

    SETTINGS[name]()


def test_the_file_of_secrets_has_every_variable_that_compose_demands() -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))

    assert demanded == set(made_environment())


def test_the_first_admin_key_of_the_file_is_the_one_that_the_engine_knows() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/make_env.py")], capture_output=True, text=True, timeout=20, check=True
    )
    text = re.search(r"civ_\S+", done.stdout)
    record = re.search(r"^CIVILOOP_BOOTSTRAP_KEY=(.+)$", done.stdout, re.MULTILINE)
    assert text
    assert record
    key = parse_key(text[0])

    assert key is not None
    assert record[1] == f"{key.id}:{key.secret_sha256().hex()}"


def test_ports_are_those_of_make_run_and_reachable_from_this_machine_only() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert published["feedback-api"] == ["127.0.0.1:8601:8080"]
    assert published["metrics-collector"] == ["127.0.0.1:8602:8080"]
    assert published["evaluation-engine"] == ["127.0.0.1:8603:8080"]
    assert published["reporting"] == ["127.0.0.1:8604:8080"]


def test_what_others_wait_for_has_a_health_check() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], f"{name} waits for {needed}"
            if how["condition"] == "service_completed_successfully":
                assert SERVICES[needed]["restart"] == "no", f"{name} waits for the end of {needed}"


def test_services_start_after_the_topics_are_made_and_their_schema_is_migrated() -> None:
    for name in ("feedback-api", "evaluation-engine", "evaluation-worker", "reporting"):
        waits = set(SERVICES[name]["depends_on"])
        assert "topics" in waits
        assert waits & {"migrate-feedback", "migrate-engine"}


def test_a_container_has_longer_to_stop_than_the_service_takes_to_drain() -> None:
    defaults = CommonSettings.model_fields
    needed = defaults["drain_seconds"].default + defaults["stop_seconds"].default
    for name, service in OURS.items():
        if service.get("restart") != "no":
            assert int(service["stop_grace_period"].removesuffix("s")) > needed, name


def test_every_volume_that_is_used_is_declared_and_every_file_that_is_mounted_exists() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]


def test_the_database_has_the_same_roles_and_rights_as_that_of_make_run() -> None:
    script = (ROOT / "deploy/postgres/roles.sh").read_text()
    sql = script.partition("<<'SQL'\n")[2].removesuffix("SQL\n").replace(':"database"', "{database}")
    rights = [line for line in sql.splitlines() if line and not line.startswith("CREATE ROLE")]

    assert rights == LAYOUT.strip().splitlines()
    assert re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD :'(\w+)'", sql) == [
        ("civiloop_feedback", "feedback"),
        ("civiloop_evaluation", "evaluation"),
        ("civiloop_reporting", "reporting"),
    ]


def test_the_script_for_roles_is_run_and_not_read_into_the_script_of_the_image() -> None:
    script = ROOT / "deploy/postgres/roles.sh"

    assert os.access(script, os.X_OK)
    assert run("sh", "-n", str(script)).returncode == 0
