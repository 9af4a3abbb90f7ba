"""Where output goes: results to stdout, progress and errors to stderr; with --json one line of JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from civiloop_cli.errors import CommandError


def stdout() -> Console:
    """For results."""
    return Console(highlight=False)


def stderr() -> Console:
    """For progress, warnings and errors."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One line on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_done(found: dict[str, Any], text: str, *, as_json: bool) -> None:
    """What was done: the JSON, or a sentence."""
    if as_json:
        print_json(found)
    else:
        stdout().print(text)


def fail(error: CommandError, *, as_json: bool) -> NoReturn:
    """Show an error with its ways out and exit with 1."""
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "hints": list(error.hints)}})
    else:
        console = stderr()
        console.print(f"[bold red]Error:[/] {escape(error.message)}", soft_wrap=True)
        for hint in error.hints:
            console.print(f"  → {escape(hint)}", soft_wrap=True)
    raise typer.Exit(1)
