"""Print an ``.env`` for ``docker compose up``: fresh secrets and the first admin key. Needs the standard library only.

    python3 deploy/make_env.py > .env

The admin key itself stands in a comment of the file; the services get only its hash.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
import sys


def lines() -> list[str]:
    """Return the lines of the file."""
    key_id = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
    secret = secrets.token_urlsafe(32)
    webhook_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    contact_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return [
        f"# First admin key, shown nowhere else: civ_{key_id}_{secret}",
        f"CIVILOOP_BOOTSTRAP_KEY={key_id}:{hashlib.sha256(secret.encode()).hexdigest()}",
        f"CIVILOOP_CONTACT_KEY={contact_key}",
        f"CIVILOOP_WEBHOOK_KEY={webhook_key}",
        f"CIVILOOP_RECEIPT_SECRET={secrets.token_urlsafe(48)}",
        *(f"{name}={secrets.token_urlsafe(24)}" for name in _PASSWORDS),
    ]


_PASSWORDS = (
    "POSTGRES_PASSWORD",
    "FEEDBACK_PASSWORD",
    "EVALUATION_PASSWORD",
    "REPORTING_PASSWORD",
    "GRAFANA_PASSWORD",
)

if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
