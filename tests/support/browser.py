"""The system's Chromium, without anything that looks for a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.tools import program

_ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PHONE, DESKTOP = 320, 1280


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser for the block; skip the test, or fail it, where there is none."""
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """An open page, and what the browser complained about while it was loaded."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


@contextmanager
def visiting(browser: Browser, url: str, *, width: int = DESKTOP, scripts: bool = True) -> Iterator[Visit]:
    """Open an address in a fresh browser profile of a window of this width."""
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    try:
        visit = Visit(context.new_page())
        visit.page.on("console", lambda message: visit.complaints.append(message.text))
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.on("request", lambda request: visit.requested.append(request.url))
        visit.page.goto(url, wait_until="load")
        yield visit
    finally:
        context.close()
