"""Plan and apply: the same check and comparison, and one atomic write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from civiloop_shared.contracts.catalogue import ServiceDefined
from evaluation_engine.errors import CatalogueChangedError, CatalogueFault, CatalogueRefusedError
from evaluation_engine.ports.catalogue import CatalogueStore, CatalogueWrite, DocumentName, ServiceRow, StoredCatalogue
from evaluation_engine.ports.outbox import Message
from evaluation_engine.service.catalogue.checking import Checked, Known, check_files
from evaluation_engine.service.catalogue.comparing import Change, compare
from evaluation_engine.service.catalogue.documents import (
    AnyDocument,
    BodyDocument,
    ServiceDocument,
    from_json,
    to_json,
)
from evaluation_engine.service.catalogue.publishing import body_defined, defined, message, tombstone
from evaluation_engine.service.catalogue.reading import SourceFile


@dataclass(frozen=True, slots=True)
class Order:
    """Files to plan or apply. ``keep_missing`` leaves documents alone that aren't among the files."""

    body: str
    files: tuple[SourceFile, ...]
    keep_missing: bool = False
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply would do to ``version``; ``documents`` are those that would stand then."""

    version: int
    warnings: tuple[CatalogueFault, ...]
    changes: tuple[Change, ...]
    documents: Mapping[DocumentName, Mapping[str, Any]]

    @property
    def kpis(self) -> frozenset[str]:
        """KPIs of the body's own that are new or changed."""
        return frozenset(one.id for one in self.changes if one.kind == "kpi" and ("kpi", one.id) in self.documents)


@dataclass(frozen=True, slots=True)
class Applied(Plan):
    """What an apply did. Without changes the version stays as it was."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    stored: StoredCatalogue
    checked: Checked
    after: Mapping[DocumentName, Mapping[str, Any]]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class CatalogueDesk:
    """Where catalogues are handed in. ``kpis`` has the good direction of every known KPI, ``themes`` every theme."""

    store: CatalogueStore
    kpis: Mapping[str, Literal["up", "down"]]
    clock: Callable[[], datetime]
    themes: Collection[str] | None = None

    async def plan(self, order: Order) -> Plan:
        """Return what would change; nothing is stored. Raises ``CatalogueRefusedError`` with every fault."""
        prepared = await self._prepare(order)
        return Plan(prepared.stored.version, prepared.checked.faults, prepared.changes, prepared.after)

    async def apply(self, order: Order, *, by: str) -> Applied:
        """Store all documents as one new version, or nothing.

        Raises ``CatalogueRefusedError`` with every fault, ``CatalogueChangedError`` when somebody was quicker.
        """
        prepared = await self._prepare(order)
        if order.expected_version not in (None, prepared.stored.version):
            raise CatalogueChangedError
        if not prepared.changes:
            return Applied(prepared.stored.version, prepared.checked.faults, (), prepared.after)
        version = await self.store.replace(await self._write(order.body, prepared, by))
        return Applied(version, prepared.checked.faults, prepared.changes, prepared.after)

    async def check(self, order: Order) -> Checked:
        """Return the documents of the files with all their faults."""
        return await self._checked(order, await self.store.load(order.body))

    async def _checked(self, order: Order, stored: StoredCatalogue) -> Checked:
        foreign = await self.store.services_of_others(order.body)
        elsewhere = _parsed(stored.documents) if order.keep_missing else {}
        return check_files(order.files, Known(order.body, self.kpis, foreign, elsewhere, self.themes))

    async def _prepare(self, order: Order) -> _Prepared:
        stored = await self.store.load(order.body)
        checked = await self._checked(order, stored)
        if checked.errors:
            raise CatalogueRefusedError(checked.errors)
        given: dict[DocumentName, Mapping[str, Any]] = {
            name: to_json(document) for name, document in checked.documents.items()
        }
        after = {**stored.documents, **given} if order.keep_missing else given
        body_name = ("body", order.body)
        if body_name in stored.documents:
            after.setdefault(body_name, stored.documents[body_name])
        return _Prepared(stored, checked, after, compare(stored.documents, after))

    async def _write(self, body: str, prepared: _Prepared, by: str) -> CatalogueWrite:
        at = self.clock()
        rows = await self.store.service_rows(body)
        documents = _parsed(prepared.after)
        services = tuple(_service_rows(body, documents, rows))
        return CatalogueWrite(
            body=body,
            expected_version=prepared.stored.version,
            documents=prepared.after,
            changes=[asdict(change) for change in prepared.changes],
            services=services,
            messages=tuple(_messages(body, documents, services, prepared, at)),
            applied_by=by,
            applied_at=at,
        )


def _parsed(documents: Mapping[DocumentName, Mapping[str, Any]]) -> dict[DocumentName, AnyDocument]:
    return {name: from_json(name[0], dict(data)) for name, data in documents.items()}


def _service_rows(
    body: str, documents: Mapping[DocumentName, AnyDocument], rows: Mapping[str, ServiceRow]
) -> Iterable[ServiceRow]:
    """Yield the rows that change: a definition's version grows only when ingest sees a difference."""
    for document in documents.values():
        if not isinstance(document, ServiceDocument):
            continue
        old = rows.get(document.id)
        same = defined(document, body, old.version if old else 1)
        if old is None:
            yield ServiceRow(document.id, body, 1, same.model_dump(mode="json"))
        elif old.retired or ServiceDefined.model_validate(old.definition) != same:
            new = defined(document, body, old.version + 1)
            yield ServiceRow(document.id, body, new.version, new.model_dump(mode="json"))
    for old in rows.values():
        if not old.retired and ("service", old.id) not in documents:
            yield ServiceRow(old.id, body, old.version, old.definition, retired=True)


def _messages(
    body: str,
    documents: Mapping[DocumentName, AnyDocument],
    services: Iterable[ServiceRow],
    prepared: _Prepared,
    at: datetime,
) -> Iterable[Message]:
    described = documents.get(("body", body))
    if isinstance(described, BodyDocument) and any(change.kind == "body" for change in prepared.changes):
        yield message(body_defined(described), body=body, at=at, version=prepared.stored.version + 1)
    for row in services:
        if row.retired:
            yield tombstone("service", row.id)
        else:
            yield message(ServiceDefined.model_validate(row.definition), body=body, at=at, version=row.version)
