"""`--requirements-report`: which demands have a passing test, which have a failing one, which have none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

LIST = Path(__file__).parents[2] / "docs" / "reference" / "requirements.md"
_ROW = re.compile(r"\| ([A-Z][A-Z0-9.]*\d) \| (.+?) \|")


def known_requirements() -> dict[str, str]:
    """Id and wording of every demand, in the order of the list."""
    return {row[1]: row[2] for row in map(_ROW.match, LIST.read_text().splitlines()) if row}


class RequirementsReport:
    """Collects the outcome of every marked test."""

    def __init__(self) -> None:
        self.passed: dict[str, int] = defaultdict(int)
        self.failed: dict[str, list[str]] = defaultdict(list)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the outcome under the ids that the test carries."""
        report = yield
        for marker in item.iter_markers("requirement"):
            for identifier in marker.args:
                if report.failed:
                    self.failed[identifier].append(item.nodeid)
                elif report.when == "call" and report.passed:
                    self.passed[identifier] += 1
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line for every demand."""
        known = known_requirements()
        write = terminalreporter.write_line
        terminalreporter.section("requirements")
        for identifier, text in known.items():
            write(f"{self._state(identifier):>16}  {identifier:<7} {text}")
        unknown = sorted((set(self.passed) | set(self.failed)) - set(known))
        if unknown:
            write(f"ids that are not in the list: {', '.join(unknown)}")
        shown = sum(1 for identifier in known if self.passed[identifier] and not self.failed.get(identifier))
        write(f"{shown} of {len(known)} requirements have a passing test")

    def _state(self, identifier: str) -> str:
        if self.failed.get(identifier):
            return "FAILING"
        count = self.passed[identifier]
        return f"{count} passing" if count else "no test"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption("--requirements-report", action="store_true", help="print which requirements have a passing test")


def pytest_configure(config: pytest.Config) -> None:
    """Collect only when asked to."""
    if config.getoption("--requirements-report"):
        config.pluginmanager.register(RequirementsReport(), "requirements-report")
