"""Receipts: what a person keeps to see or take back what they gave.

A receipt is an HMAC of body and feedback key: whoever knows the id can't make it, and a retry gives the same one.
It is written in 32 letters and digits of the base32 alphabet (no 0, 1, 8, 9) so that it can be read out and typed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

LENGTH_BYTES = 20
_TEXT = re.compile(r"[a-z2-7]{32}", re.ASCII)
_IGNORED = str.maketrans({"-": "", " ": "", "0": "o", "1": "l", "8": "b"})


def receipt_of(secret: bytes, body: str, key: bytes) -> bytes:
    """Return the 160 bits of a receipt."""
    return hmac.digest(secret, body.encode() + b"\x00" + key, hashlib.sha256)[:LENGTH_BYTES]


def to_text(receipt: bytes) -> str:
    """Return a receipt as people get it."""
    return base64.b32encode(receipt).decode("ascii").lower()


def from_text(text: str) -> bytes | None:
    """Read a receipt as people type it: any case, with blanks or hyphens. None when it can't be one."""
    plain = text.lower().translate(_IGNORED)
    return base64.b32decode(plain.upper()) if _TEXT.fullmatch(plain) else None
