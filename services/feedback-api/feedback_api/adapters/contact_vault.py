"""Contacts at rest: AES-256-GCM, bound to their feedback."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class AesGcmContactVault:
    """Seals contacts with one key of 32 bytes. The feedback's key is associated data: a moved contact doesn't open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, key: bytes, contact: str) -> bytes:
        """Return nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, contact.encode(), key)

    def open(self, key: bytes, sealed: bytes) -> str | None:
        """Return the contact; None when it was sealed with another key or for another feedback."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key).decode()
        except InvalidTag:
            return None
