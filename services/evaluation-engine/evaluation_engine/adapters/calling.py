"""The guarded client for webhooks, and the box that their secrets lie in."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from civiloop_shared.outgoing import OutgoingClient, OutgoingError, RefusedTargetError, check_url

_NONCE_BYTES = 12


class GuardedCaller:
    """Implements ``Caller``."""

    def __init__(self, client: OutgoingClient) -> None:
        self._client = client

    def check(self, url: str) -> str | None:
        """Return why an address can't be subscribed, or None."""
        try:
            check_url(url, allow_private=self._client.allow_private)
        except RefusedTargetError as error:
            return str(error)
        return None

    async def post(self, url: str, payload: bytes, headers: Mapping[str, str]) -> tuple[int | None, str]:
        """Return the status and what went wrong; without an answer the status is None."""
        try:
            answer = await self._client.post(url, payload, headers)
        except OutgoingError as error:
            return None, str(error)
        return answer.status, "" if answer.success else f"answered {answer.status}"


class AesGcmSecretBox:
    """Implements ``SecretBox`` with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, webhook: str, secret: str) -> bytes:
        """Return nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), webhook.encode())

    def open(self, webhook: str, sealed: bytes) -> str | None:
        """Return the secret; None when it was sealed with another key or for another webhook."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], webhook.encode()).decode()
        except InvalidTag:
            return None
