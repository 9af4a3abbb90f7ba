"""Everything once more for the compacted topic: for a Kafka cluster that is new, or has lost it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from civiloop_shared.contracts.catalogue import ServiceDefined
from evaluation_engine.ports.catalogue import CatalogueStore
from evaluation_engine.ports.keys import KeyStore
from evaluation_engine.ports.outbox import Message
from evaluation_engine.service.catalogue.documents import BodyDocument, from_json
from evaluation_engine.service.catalogue.publishing import body_defined, message, tombstone, unnamed_body


@dataclass(frozen=True, slots=True)
class PublishAgain:
    """Puts bodies, services and keys of the installation into the outbox."""

    catalogue: CatalogueStore
    keys: KeyStore
    clock: Callable[[], datetime]

    async def all(self) -> int:
        """Return how many records will be on the topic."""
        return await self.catalogue.publish_again(self._messages)

    async def _messages(self) -> list[Message]:
        stored = await self.keys.all()
        versions = await self.catalogue.bodies()
        found: list[Message] = []
        for body in sorted({one.key.body for one in stored} | versions.keys()):
            found.extend(await self._of_body(body, versions.get(body, 0)))
        for one in stored:
            key = one.key
            revoked = key.revoked_at is not None
            found.append(tombstone("key", key.id) if revoked else message(key, body=key.body, at=key.created_at))
        return found

    async def _of_body(self, body: str, version: int) -> list[Message]:
        at = self.clock()
        document = (await self.catalogue.load(body)).documents.get(("body", body))
        described = from_json("body", dict(document)) if document else None
        record = body_defined(described) if isinstance(described, BodyDocument) else unnamed_body(body)
        found = [message(record, body=body, at=at, version=max(version, 1))]
        for row in (await self.catalogue.service_rows(body)).values():
            service = ServiceDefined.model_validate(row.definition)
            gone = tombstone("service", row.id)
            found.append(gone if row.retired else message(service, body=body, at=at, version=row.version))
        return found
