"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where data, logs and secrets lie (CIVILOOP_DATA_DIR; default: .civiloop)."),
]
PortBaseOption = Annotated[
    int | None,
    typer.Option(
        "--port-base",
        help="Ports are counted from here (CIVILOOP_PORT_BASE; default: that of the last start, or 8600).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]
