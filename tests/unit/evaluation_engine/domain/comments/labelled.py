"""The labelled comments, and how well a set of answers fits them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.adapters.lingua_detector import LinguaDetector
from evaluation_engine.domain.comments.extraction import Extractor

HERE = Path(__file__).parent
TUNED_ON = ("sample.tsv", "round2.tsv")
UNSEEN = ("last.tsv",)


class Labelled(NamedTuple):
    kind: str
    language: str
    themes: frozenset[str]
    text: str


@dataclass(frozen=True)
class Score:
    precision: float
    recall: float
    f1: float


def comments(*files: str) -> list[Labelled]:
    found = []
    for file in files:
        for line in (HERE / file).read_text("utf-8").splitlines():
            if not line.startswith("#"):
                kind, language, themes, text = line.split("\t")
                found.append(Labelled(kind, language, frozenset(themes.split(",")) - {"-"}, text))
    return found


@cache
def extractor() -> Extractor:
    return Extractor(read_taxonomy(), LinguaDetector())


def score(pairs: Iterable[tuple[frozenset[str], frozenset[str]]]) -> Score:
    """Micro-averaged over (wanted, given)."""
    right = extra = missed = 0
    for wanted, given in pairs:
        right += len(wanted & given)
        extra += len(given - wanted)
        missed += len(wanted - given)
    return Score(right / (right + extra), right / (right + missed), 2 * right / (2 * right + extra + missed))
