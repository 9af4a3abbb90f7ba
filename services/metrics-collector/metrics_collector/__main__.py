"""``python -m metrics_collector``: settings, bootstrap, run."""

from __future__ import annotations

import sys

from civiloop_shared.edge import serve
from civiloop_shared.observability import configure_logging
from civiloop_shared.settings import checked_only
from metrics_collector.bootstrap import build_app
from metrics_collector.settings import Settings


def main() -> None:
    """Run until SIGTERM; with ``--check``, only look whether the settings are good."""
    settings = checked_only(Settings, sys.argv[1:])
    configure_logging("metrics-collector", level=settings.log_level, log_format=settings.log_format)
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
