"""Calls to addresses that somebody else chose: resolved once, checked, and made to the address that was checked."""

from civiloop_shared.outgoing.addresses import fault_of
from civiloop_shared.outgoing.client import Answer, OutgoingClient, OutgoingError, RefusedTargetError, check_url

__all__ = ["Answer", "OutgoingClient", "OutgoingError", "RefusedTargetError", "check_url", "fault_of"]
