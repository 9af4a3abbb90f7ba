"""Language detection with the n-gram models that lingua ships: offline, no download.

The wheel takes 96 MB, whatever languages are configured; models are loaded when first needed. With the
fifteen languages below the low-accuracy mode (trigrams only) adds 26 MB of memory, the full one
about 360 MB. On our sample the full one was undetermined more often and never wrong (docs/explanation/comments.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from evaluation_engine.domain.comments.language import Guess

LANGUAGES: Final = ("en", "el", "fa", "ar", "bg", "de", "es", "fr", "it", "ro", "ru", "sq", "tr", "uk", "ur")
"""What people write in beside the three supported languages; a body configures its own."""


class LinguaDetector:
    """Tells the configured languages apart."""

    def __init__(self, languages: Sequence[str] = LANGUAGES, *, full: bool = False) -> None:
        """Raise ValueError for a language that lingua does not know, or fewer than two."""
        unknown = [tag for tag in languages if not hasattr(IsoCode639_1, tag.upper())]
        if unknown or len(set(languages)) < 2:
            raise ValueError(f"at least two languages that lingua knows are needed; not known: {unknown}")
        builder = LanguageDetectorBuilder.from_iso_codes_639_1(
            *(getattr(IsoCode639_1, tag.upper()) for tag in languages)
        )
        self._detector: LanguageDetector = (builder if full else builder.with_low_accuracy_mode()).build()

    def __call__(self, text: str) -> Guess | None:
        """Return the likeliest language and its relative confidence."""
        values = self._detector.compute_language_confidence_values(text)
        if not values or values[0].value == 0:
            return None
        return Guess(values[0].language.iso_code_639_1.name.lower(), values[0].value)
