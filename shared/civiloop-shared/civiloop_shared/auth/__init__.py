"""API keys: their text, their records, the ring that knows them, and who is calling."""

from civiloop_shared.auth.keys import ApiKey, KeyRecord, NewKey, new_key, parse_key
from civiloop_shared.auth.principal import Principal
from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.contracts.catalogue import Scope

__all__ = ["ApiKey", "KeyRecord", "KeyRing", "NewKey", "Principal", "Scope", "new_key", "parse_key"]
