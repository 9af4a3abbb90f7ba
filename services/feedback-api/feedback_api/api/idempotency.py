"""The header Idempotency-Key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from civiloop_shared.edge.request import EdgeRequest
from civiloop_shared.errors import ValidationError, ValidationFault
from feedback_api.ports import Claim, Fate
from feedback_api.service.remembering import REMEMBERED_DAYS

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": f"Makes a retry safe: for {REMEMBERED_DAYS} days the same key with the same body gets the same"
    " answer, with another body 409. Then the key is free again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


async def claim_of(request: EdgeRequest, answer: Callable[[Sequence[Fate]], bytes | None]) -> Claim | None:
    """Return the claim that a request makes with its Idempotency-Key; None without one.

    Keys are scoped to the body and the API key. The hash covers path and body, so no key serves two operations.
    Raises ``ValidationError`` when the key can't be used.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    client_key = given.strip().strip('"')
    if _KEY.fullmatch(client_key) is None:
        raise ValidationError.of(ValidationFault("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
    request_hash = hashlib.blake2b(digest_size=16)
    request_hash.update(f"{request.url.path}?{request.url.query}".encode() + b"\x00")
    request_hash.update(await request.body())
    principal = request.principal
    return Claim(principal.body, principal.key_id, client_key, request_hash.digest(), answer)
