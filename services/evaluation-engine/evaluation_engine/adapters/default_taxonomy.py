"""The taxonomy that comes with the package, or a body's own file instead."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from evaluation_engine.domain.comments.taxonomy import Taxonomy, parse


def read_taxonomy(path: Path | None = None) -> Taxonomy:
    """Return the taxonomy of a file, else the shipped one. Raises TaxonomyError, OSError."""
    if path is not None:
        return parse(path.read_text("utf-8"))
    return parse(files("evaluation_engine.domain.comments").joinpath("taxonomy.yaml").read_text("utf-8"))
