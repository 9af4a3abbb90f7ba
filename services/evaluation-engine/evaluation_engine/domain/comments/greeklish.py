"""Greek typed with Latin letters.

There is no standard: η is typed i, h or y; θ is th, 8 or u (Chalamandaris et al. 2006, "All Greek to me!
An automatic Greeklish to Greek transliteration system", LREC). So a Greek word becomes a pattern of
all its spellings, and a Latin word is read as every Greek word it could spell.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

GREEKLISH: Final = "el-Latn"

_SPELLINGS: Final = {
    "ου": "ou|oy|u", "αι": "ai|e", "ει": "ei|i|h", "οι": "oi|i", "υι": "yi|ui|i", "αυ": "a[uvfy]", "ευ": "e[uvfy]",
    "μπ": "mp|b", "ντ": "nt|d", "γκ": "gk|g|ng", "γγ": "gg|g|ng|gk", "γχ": "gx|gh|nx|nh|nch",
    "τσ": "ts", "τζ": "tz|j", "α": "a", "β": "[vb]", "γ": "gh?|y", "δ": "dh?", "ε": "e", "ζ": "z", "η": "[ihy]",
    "θ": "th|[890u]", "ι": "i", "κ": "[kc]", "λ": "ll?", "μ": "mm?", "ν": "nn?", "ξ": "ks|x|3", "ο": "o", "π": "p",
    "ρ": "rr?", "σ": "ss?", "τ": "t", "υ": "[yiuh]", "φ": "f|ph", "χ": "ch|kh|[xh]", "ψ": "ps|4", "ω": "[ow]",
}  # fmt: skip
_PIECES: Final = re.compile("|".join(sorted(_SPELLINGS, key=len, reverse=True)))

# Words that carry grammar, so that they are in most sentences. The second row also means something elsewhere
# (German "den", Spanish "me", English "to"), so a word of it counts half.
_SURE: Final = [
    "και",
    "την",
    "τησ",
    "στο",
    "στη",
    "στην",
    "τουσ",
    "μου",
    "μασ",
    "σασ",
    "για",
    "ειναι",
    "ηταν",
    "εχει",
    "εχω",
    "εχετε",
    "απο",
    "αλλα",
    "πολυ",
    "πολλα",
    "παρα",
    "τιποτα",
    "μονο",
    "ολα",
    "ολο",
    "μετα",
    "κανεισ",
    "κατι",
    "γιατι",
    "ακομα",
    "μεχρι",
    "χωρισ",
    "ουτε",
    "οταν",
    "οπωσ",
    "επισησ",
    "καθολου",
    "ποτε",
    "τωρα",
    "ξανα",
    "παλι",
    "καθε",
    "αυτο",
    "αυτη",
    "υπαρχει",
    "υπαρχουν",
    "πρεπει",
    "μπορω",
    "μπορουσα",
    "μπορεσα",
    "θελω",
    "ξερω",
    "κανει",
    "ευχαριστω",
    "συνεχεια",
    "ωστε",
    "δηλαδη",
    "οποτε",
    "επειδη",
    "μπραβο",
]
_UNSURE: Final = [
    "δεν",
    "με",
    "να",
    "το",
    "τα",
    "τη",
    "τον",
    "του",
    "ο",
    "η",
    "οι",
    "θα",
    "που",
    "πωσ",
    "σε",
    "αν",
    "δυο",
    "ενα",
    "μια",
    "στα",
    "στον",
    "των",
]
_LEAST_SCORE: Final = 1.5
_LEAST_SHARE: Final = 0.2


@lru_cache(maxsize=4096)
def pattern(word: str, *, open_ended: bool) -> re.Pattern[str]:
    """All Latin spellings of a normalised Greek word; `open_ended` lets an ending of up to five letters follow."""
    body = _PIECES.sub(lambda piece: f"(?:{_SPELLINGS[piece[0]]})", word)
    return re.compile(body + ("[a-z]{0,5}" if open_ended else ""))


@lru_cache(maxsize=1)
def _function_words() -> tuple[re.Pattern[str], re.Pattern[str]]:
    sure, unsure = (
        re.compile("|".join(pattern(word, open_ended=False).pattern for word in words)) for words in (_SURE, _UNSURE)
    )
    return sure, unsure


def is_greeklish(words: Sequence[str]) -> bool:
    """True when enough of the Latin words are Greek function words, at least one of them without doubt."""
    sure, unsure = _function_words()
    certain = sum(1 for word in words if sure.fullmatch(word))
    score = certain + 0.5 * sum(1 for word in words if not sure.fullmatch(word) and unsure.fullmatch(word))
    return certain > 0 and score >= _LEAST_SCORE and score / len(words) >= _LEAST_SHARE


def readings(word: str, vocabulary: Iterable[str], *, least_letters: int = 4) -> frozenset[str]:
    """The Greek stems of the vocabulary that a Latin word can spell; short stems say too little and are left out."""
    return frozenset(
        stem
        for stem in vocabulary
        if len(stem.rstrip("*")) >= least_letters and pattern(stem.rstrip("*"), open_ended=True).fullmatch(word)
    )
