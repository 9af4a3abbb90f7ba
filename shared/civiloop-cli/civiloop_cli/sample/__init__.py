"""The sample catalogue and data that `civiloop up` loads on first start. All of it is made up, and says so."""

from __future__ import annotations

import asyncio

from rich.console import Group, RenderableType

from civiloop_cli.api import Api
from civiloop_cli.platform import Platform
from civiloop_cli.progress import Progress
from civiloop_cli.sample.load import (
    Window,
    catalogue_files,
    consumed,
    now_utc,
    send,
    wait_counted,
    wait_evaluated,
)
from civiloop_cli.sample.profiles import PROFILES
from civiloop_cli.scorecard import scorecard_table


async def load(platform: Platform, *, progress: Progress) -> None:
    """Apply the sample catalogue, send the sample events up to now and wait until they are evaluated.

    May be called again: what is in already changes nothing, and what has happened since is added.
    """
    await asyncio.to_thread(_load, platform, progress)


def _load(platform: Platform, progress: Progress) -> None:
    key = platform.admin_key
    with Api(platform.engine_url, key) as engine, Api(platform.feedback_url, key) as feedback_api:
        with progress.step("Sample catalogue"):
            engine.post("/v1/catalogue/apply", {"files": catalogue_files()})
        window = Window.of(platform, now_utc())
        before = consumed(engine)
        with progress.step("Sample data, made up: sending") as step:
            sent = send(platform, window, step)
        with progress.step("Sample data: counting", done=f"{sent.journeys + sent.feedback:,} sample events") as step:
            wait_counted(engine, feedback_api, before, sent, step)
        with progress.step("Sample data: evaluating") as step:
            wait_evaluated(engine, window, step)


async def scorecard(platform: Platform) -> RenderableType | None:
    """The tables that `civiloop up` prints at the end: the newest closed month of every sample service."""
    return await asyncio.to_thread(_scorecards, platform)


def _scorecards(platform: Platform) -> RenderableType | None:
    with Api(platform.reporting_url, platform.admin_key) as reporting:
        tables = []
        for profile in PROFILES:
            newest = reporting.get(f"/v1/services/{profile.service}/evaluations", limit=1)["items"]
            tables += [scorecard_table(record, explained=False) for record in newest]
    return Group(*tables) if tables else None
