"""Programs of the system that some tests need: skipped aloud without them, failed where nothing may be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def program(name: str) -> str:
    """Return where a program is; skip the test without it, or fail it under CIVILOOP_REQUIRE_ALL=1."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        why = f"{name} is not installed"
        if os.environ.get("CIVILOOP_REQUIRE_ALL") == "1":
            pytest.fail(why)
        pytest.skip(why)
    return found


def run(name: str, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program that is needed and return what it said."""
    return subprocess.run(
        [program(name), *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )
