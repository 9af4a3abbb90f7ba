"""`python -m civiloop_cli` and the console script `civiloop`."""

from __future__ import annotations

from civiloop_cli.app import app


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
