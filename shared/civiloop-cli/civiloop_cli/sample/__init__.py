"""The sample catalogue and data that `civiloop up` loads on first start."""

from __future__ import annotations

from rich.console import RenderableType

from civiloop_cli.platform import Platform
from civiloop_cli.progress import Progress


async def load(platform: Platform, *, progress: Progress) -> None:
    """Apply the sample catalogue, send the sample events and wait until they are evaluated."""


async def scorecard(platform: Platform) -> RenderableType | None:
    """The table that `civiloop up` prints at the end, or None when there is nothing to show."""
    return None
