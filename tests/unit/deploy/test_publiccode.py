"""publiccode.yml describes this release."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import yaml

from reporting.pages.wording import LANGUAGES
from tests.support.tools import ROOT

DESCRIPTION = yaml.safe_load((ROOT / "publiccode.yml").read_text())
REQUIRED = {
    "publiccodeYmlVersion",
    "name",
    "url",
    "platforms",
    "developmentStatus",
    "softwareType",
    "description",
    "legal",
    "maintenance",
    "localisation",
}


def test_it_has_the_keys_that_the_standard_demands() -> None:
    assert DESCRIPTION.keys() >= REQUIRED
    assert DESCRIPTION["maintenance"]["contacts"]
    for text in DESCRIPTION["description"].values():
        assert len(text["shortDescription"]) <= 150
        assert 150 <= len(text["longDescription"]) <= 10_000
        assert text["features"]


def test_the_version_is_that_of_the_packages() -> None:
    for project in [*(ROOT / "services").glob("*/pyproject.toml"), *(ROOT / "shared").glob("*/pyproject.toml")]:
        assert tomllib.loads(project.read_text())["project"]["version"] == DESCRIPTION["softwareVersion"]
    assert str(date.fromisoformat(str(DESCRIPTION["releaseDate"]))) == str(DESCRIPTION["releaseDate"])


def test_the_licence_is_the_one_in_the_repository() -> None:
    assert DESCRIPTION["legal"]["license"] == "Apache-2.0"
    assert re.search(r"Apache License\s+Version 2\.0", (ROOT / "LICENSE").read_text())


def test_the_languages_are_those_of_the_public_pages() -> None:
    assert set(DESCRIPTION["localisation"]["availableLanguages"]) == set(LANGUAGES)
