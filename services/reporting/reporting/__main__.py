"""Run reporting: ``python -m reporting [--check]``."""

from __future__ import annotations

import sys

import uvloop

from civiloop_shared.edge import make_server
from civiloop_shared.observability import configure_logging
from civiloop_shared.settings import checked_only
from reporting.bootstrap import bootstrap
from reporting.settings import ReportingSettings


async def run(settings: ReportingSettings) -> None:
    """Serve until told to stop."""
    async with bootstrap(settings) as app:
        await make_server(app, settings).serve()


def main() -> None:
    """Read the settings, then run."""
    settings = checked_only(ReportingSettings, sys.argv[1:])
    configure_logging("reporting", level=settings.log_level, log_format=settings.log_format)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
