"""Who is calling, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from civiloop_shared.contracts.catalogue import Scope
from civiloop_shared.errors import ForbiddenError

_WRITES = frozenset({Scope.FEEDBACK_WRITE, Scope.TELEMETRY_WRITE})


def effective_scopes(scopes: frozenset[Scope], kind: str) -> frozenset[Scope]:
    """Return all scopes that these imply: admin all, steward read; a browser key can only write."""
    implied = set(scopes)
    if Scope.ADMIN in scopes:
        implied.update(Scope)
    if Scope.STEWARD in scopes:
        implied.add(Scope.READ)
    return frozenset(implied & _WRITES if kind == "browser" else implied)


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a valid key. ``scopes`` holds the implied ones too; ``services`` None means all of the body."""

    key_id: str
    body: str
    scopes: frozenset[Scope]
    services: frozenset[str] | None = None
    kind: str = "server"

    def may(self, scope: Scope) -> bool:
        """Say whether the key has a scope."""
        return scope in self.scopes

    def may_touch(self, service: str) -> bool:
        """Say whether the key is good for a service of its body."""
        return self.services is None or service in self.services

    def demand(self, scope: Scope) -> None:
        """Raise ``ForbiddenError`` without this scope."""
        if scope not in self.scopes:
            raise ForbiddenError(f"needs the scope {scope.value}")

    def demand_service(self, service: str) -> None:
        """Raise ``ForbiddenError`` when the key is limited to other services."""
        if not self.may_touch(service):
            raise ForbiddenError("this key is limited to other services")
