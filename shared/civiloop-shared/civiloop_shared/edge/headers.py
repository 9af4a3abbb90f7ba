"""Security headers of every answer, and the stricter set of HTML pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.responses import Response

COMMON_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
API_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *COMMON_HEADERS,
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
NO_STORE = (b"cache-control", b"no-store")
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


def new_nonce() -> str:
    """Return a nonce for one page: put it on its ``<style>`` and ``<script>`` elements."""
    return secrets.token_urlsafe(16)


def page_policy(nonce: str, *, frame_ancestors: str = "'none'") -> str:
    """Return the content security policy of a page of ours: own images and forms, styles and scripts by nonce."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; style-src 'self' 'nonce-{nonce}'; script-src 'self' 'nonce-{nonce}'; "
        f"frame-ancestors {frame_ancestors}"
    )


def html_response(
    html: str,
    *,
    nonce: str,
    status_code: int = 200,
    frame_ancestors: str = "'none'",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a page. Only the form and widget pages pass ``frame_ancestors`` other than none."""
    own = {"Content-Security-Policy": page_policy(nonce, frame_ancestors=frame_ancestors)}
    if frame_ancestors == "'none'":
        own["X-Frame-Options"] = "DENY"
    return Response(html, status_code, headers={**own, **(headers or {})}, media_type="text/html")
