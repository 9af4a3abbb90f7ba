"""How commands reach a service: the options they share, and the client that these give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from civiloop_cli.api import Api
from civiloop_cli.console import fail
from civiloop_cli.errors import CommandError
from civiloop_cli.imports.target import FEEDBACK_API, Service, find_target

ENGINE = Service("evaluation-engine", "CIVILOOP_ENGINE_URL", "engine_url")
REPORTING = Service("reporting", "CIVILOOP_REPORTING_URL", "reporting_url")

UrlOption = Annotated[str | None, typer.Option("--url", help="Address of the service. [default: the platform here]")]
KeyOption = Annotated[str | None, typer.Option("--key", help="API key; better in CIVILOOP_KEY.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Data directory of the platform to use.")]
ServiceArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="Id of the service.")]


@dataclass(frozen=True, slots=True)
class Connection:
    """What the options say of where to go."""

    url: str | None
    key: str | None
    data_dir: Path | None

    @contextmanager
    def to(self, service: Service, *, as_json: bool) -> Iterator[Api]:
        """Open a client of a service; any ``CommandError`` inside ends the command with its message."""
        try:
            target = find_target(service, url=self.url, key=self.key, data_dir=self.data_dir)
            with Api(target.url, target.key) as api:
                yield api
        except CommandError as error:
            fail(error, as_json=as_json)


__all__ = [
    "ENGINE",
    "FEEDBACK_API",
    "REPORTING",
    "Connection",
    "DataDirOption",
    "KeyOption",
    "ServiceArgument",
    "UrlOption",
]
