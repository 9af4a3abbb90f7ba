"""What themes are called and counted under, whatever taxonomy the comments were read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.taxonomy import Taxonomy

Titles = Mapping[str, Mapping[str, str]]
"""Title of each theme by language."""

_THEME = "theme."


@dataclass(frozen=True, slots=True)
class ThemeBook:
    """The side of a taxonomy that readers see: titles, and where the themes went that are no longer in use."""

    version: int
    digest: str
    titles: Titles
    successors: Mapping[str, str]

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> ThemeBook:
        """Return the book of a taxonomy."""
        titles = {theme.id: theme.title for theme in taxonomy.themes}
        return cls(taxonomy.version, taxonomy.digest, titles, taxonomy.successors)

    @property
    def fingerprint(self) -> str:
        """Of all that an evaluation takes from here: it is one of its inputs."""
        titles = sorted((theme, sorted(title.items())) for theme, title in self.titles.items())
        matter = (self.version, self.digest, titles, sorted(self.successors.items()))
        return blake2b(repr(matter).encode(), digest_size=8).hexdigest()

    def current(self, theme: str) -> str:
        """Return the theme in use that an id stands for."""
        return self.successors.get(theme, theme)

    def counted(self, measures: Measures) -> Measures:
        """Return measures with each theme counted under the one that it went into.

        Exact where a theme got another id. Where two became one, a comment that was read while there were two and
        had both counts twice, until it is read again.
        """
        if not self.successors:
            return measures
        found: Measures = {}
        for name, amount in measures.items():
            theme, dot, rest = name.removeprefix(_THEME).partition(".")
            current = f"{_THEME}{self.current(theme)}{dot}{rest}" if name.startswith(_THEME) else name
            found[current] = found.get(current, 0) + amount
        return found

    def read(self, record: CommentRecord) -> CommentRecord:
        """Return the record of a comment with the themes that are in use."""
        if not self.successors:
            return record
        return replace(record, themes=tuple(sorted({self.current(theme) for theme in record.themes})))
