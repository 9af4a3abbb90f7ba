"""`python -m evaluation_engine COMMAND [--check]`: settings, bootstrap, run. See ``COMMANDS``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable

from civiloop_shared.errors import CiviloopError
from civiloop_shared.observability import configure_logging
from civiloop_shared.settings import checked_only
from evaluation_engine.settings import DatabaseSettings, EngineSettings, RecoverSettings


def serve(arguments: list[str]) -> None:
    """Run API and evaluator."""
    from civiloop_shared.edge import serve as run
    from evaluation_engine.bootstrap.memory import collect_seldom
    from evaluation_engine.bootstrap.serve import build_app

    settings = checked_only(EngineSettings, arguments)
    configure_logging("evaluation-engine", level=settings.log_level, log_format=settings.log_format)
    app = build_app(settings)
    collect_seldom()
    run(app, settings)


def work(arguments: list[str]) -> None:
    """Run an ingest worker."""
    from civiloop_shared.edge import serve as run
    from evaluation_engine.bootstrap.memory import collect_seldom
    from evaluation_engine.bootstrap.work import build_worker_app

    settings = checked_only(EngineSettings, arguments)
    configure_logging("engine-worker", level=settings.log_level, log_format=settings.log_format)
    app = build_worker_app(settings)
    collect_seldom()
    run(app, settings)


def migrate(arguments: list[str]) -> None:
    """Bring the schema up to date."""
    from civiloop_shared.postgres.migrate import upgrade_now

    settings = checked_only(DatabaseSettings, arguments)
    revision = upgrade_now(settings.database_url, "evaluation_engine", "evaluation")
    sys.stdout.write(f"schema evaluation is at {revision}\n")


def recover_admin_key(arguments: list[str]) -> None:
    """Make a new admin key and print it as one line of JSON."""
    from evaluation_engine.bootstrap.recover import recover

    settings = checked_only(RecoverSettings, arguments)
    made = asyncio.run(recover(settings))
    sys.stdout.write(json.dumps({"id": made.key.id, "body": made.key.body, "key": made.text}) + "\n")


def publish_catalogue(arguments: list[str]) -> None:
    """Publish all bodies, services and keys again: for a Kafka cluster that is new, or has lost the topic."""
    from evaluation_engine.bootstrap.recover import publish_again

    settings = checked_only(DatabaseSettings, arguments)
    sys.stdout.write(f"{asyncio.run(publish_again(settings))} records go to the topic catalogue\n")


def check_taxonomy(arguments: list[str]) -> None:
    """Say whether a file can be used as CIVILOOP_TAXONOMY: every fault on a line of its own, and exit with 1."""
    from pathlib import Path

    from evaluation_engine.adapters.default_taxonomy import read_taxonomy
    from evaluation_engine.domain.comments.taxonomy import TaxonomyError

    if len(arguments) != 1:
        sys.stderr.write("check-taxonomy needs the name of one file\n")
        raise SystemExit(2)
    try:
        found = read_taxonomy(Path(arguments[0]))
    except TaxonomyError as error:
        sys.stdout.writelines(f"{fault}\n" for fault in error.faults)
        raise SystemExit(1) from None
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"the file can't be read: {type(error).__name__}\n")
        raise SystemExit(2) from None
    sys.stdout.write(
        f"good: version {found.version}, {len(found.themes)} themes in use, {len(found.successors)} merged into them; "
        f"digest {found.digest}\n"
    )


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "serve": serve,
    "work": work,
    "migrate": migrate,
    "recover-admin-key": recover_admin_key,
    "publish-catalogue": publish_catalogue,
    "check-taxonomy": check_taxonomy,
}


def main() -> None:
    """Run one command; without one, `serve`."""
    arguments = sys.argv[1:]
    name = arguments[0] if arguments and not arguments[0].startswith("-") else "serve"
    command = COMMANDS.get(name)
    if command is None:
        sys.stderr.write(f"unknown command; known are: {', '.join(COMMANDS)}\n")
        raise SystemExit(2)
    try:
        command(arguments)
    except CiviloopError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
