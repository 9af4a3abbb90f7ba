"""The catalogue in memory: services and keys as the compacted topic tells them."""

from civiloop_shared.catalogue.follower import CatalogueFollower, SnapshotStore
from civiloop_shared.catalogue.state import CatalogueState

__all__ = ["CatalogueFollower", "CatalogueState", "SnapshotStore"]
