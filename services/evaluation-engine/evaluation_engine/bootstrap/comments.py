"""Makes what reads comments. The language models are loaded here only, and only by a process that needs them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from evaluation_engine.domain.comments.extraction import CommentRecord, Extractor

if TYPE_CHECKING:
    from evaluation_engine.domain.comments.taxonomy import Taxonomy


def make_extractor(taxonomy: Taxonomy) -> Extractor:
    """Return what the workers read comments with."""
    from evaluation_engine.adapters.lingua_detector import LinguaDetector

    return Extractor(taxonomy, LinguaDetector())


class ExtractorOnFirstUse:
    """The same, made when the first comment is to be read: few rebuilds read any again."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    @property
    def digest(self) -> str:
        """Of the taxonomy."""
        return self._taxonomy.digest

    @cached_property
    def _extract(self) -> Extractor:
        return make_extractor(self._taxonomy)

    def __call__(self, comment: str) -> CommentRecord:
        """Return the record of any text."""
        return self._extract(comment)
