"""``python -m feedback_api``: serve; ``migrate``: bring the schema up to date; ``--check``: validate the settings."""

from __future__ import annotations

import sys

from civiloop_shared.edge.serve import serve
from civiloop_shared.observability import configure_logging
from civiloop_shared.postgres.migrate import upgrade_now
from civiloop_shared.settings import checked_only
from feedback_api.bootstrap import build_app
from feedback_api.settings import Settings


def main() -> None:
    """Run what the arguments ask for."""
    arguments = sys.argv[1:]
    settings = checked_only(Settings, arguments)
    configure_logging("feedback-api", level=settings.log_level, log_format=settings.log_format)
    match arguments:
        case ["migrate"]:
            revision = upgrade_now(settings.database_url, "feedback_api", "feedback")
            sys.stdout.write(f"schema feedback is at {revision}\n")
        case []:
            serve(build_app(settings), settings)
        case _:
            sys.stderr.write("usage: feedback-api [migrate | --check]\n")
            raise SystemExit(2)


if __name__ == "__main__":
    main()
