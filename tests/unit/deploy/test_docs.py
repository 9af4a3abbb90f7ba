"""The documentation agrees with the code, and its links lead somewhere."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from civiloop_cli.imports.mapping_file import read_mapping
from evaluation_engine.domain.packs import ALL
from evaluation_engine.service.catalogue.checking import Known, check_files
from evaluation_engine.service.catalogue.reading import SourceFile
from tests.support.reference_pages import NOT_DESCRIBED, pages
from tests.support.tools import ROOT

REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "events.md", "http.md", "kpis.md", "problems.md"])
def test_a_reference_page_is_the_one_that_the_code_gives(name: str, made: dict[str, str]) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == made[name], "run `make schemas`"


def test_every_setting_is_described(made: dict[str, str]) -> None:
    assert NOT_DESCRIBED not in made["configuration.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_promise_names_the_test_that_shows_it_or_says_that_it_is_planned() -> None:
    rows = re.findall(r"^\| (P\d) \| .+? \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert [name for name, _ in rows] == [f"P{number}" for number in range(1, 9)]
    for name, state in rows:
        assert "planned" in state or re.search(r"shown by \[.+?\]\(tests/.+?\)", state), name


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language, also those inside of lists."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in found]


def test_the_catalogue_of_the_tutorial_has_no_fault() -> None:
    [text] = blocks("tutorial/first-service.md", "yaml")
    kpis = {one.id: one.direction for one in ALL}

    checked = check_files([SourceFile("library.yaml", text)], Known("local", kpis))

    assert checked.faults == ()
    assert {kind for kind, _ in checked.documents} == {"service", "goal", "target"}


def test_the_documents_of_the_guide_to_kpis_have_no_fault() -> None:
    text = "---\n".join(blocks("how-to/define-a-kpi.md", "yaml"))

    checked = check_files([SourceFile("kpis.yaml", text)], Known("local", {one.id: one.direction for one in ALL}))

    assert checked.faults == ()
    assert {kind for kind, _ in checked.documents} == {"service", "kpi"}


def test_the_mapping_of_the_guide_to_imports_has_no_fault(tmp_path: Path) -> None:
    [text] = blocks("how-to/import-a-csv.md", "yaml")
    file = tmp_path / "cases.yaml"
    file.write_text(text, encoding="utf-8")

    assert read_mapping(file, "journeys").columns() == {"case", "way", "received", "decided"}


def test_no_page_names_a_place_that_only_the_writer_has() -> None:
    for page in PAGES:
        assert not re.search(r"/home/\w|/work/|\.\./shared/|/tmp/", page.read_text(encoding="utf-8")), page


def test_every_page_of_the_documentation_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
        targets = [(page.parent / link).resolve() for link in links if link and not re.match(r"[a-z]+:", link)]
        waiting += [one for target in targets for one in ([target] if target.is_file() else target.glob("*.md"))]

    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= seen
