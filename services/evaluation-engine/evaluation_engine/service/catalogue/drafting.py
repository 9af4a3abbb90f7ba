"""A benchmark that is not in force: checked against the catalogue that is, and never stored."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation_engine.errors import CatalogueFault, CatalogueRefusedError
from evaluation_engine.service.catalogue.applying import CatalogueDesk, Order
from evaluation_engine.service.catalogue.documents import BenchmarkDocument
from evaluation_engine.service.catalogue.reading import SourceFile

_FILE = "document"


@dataclass(frozen=True, slots=True)
class Drafting:
    """Reads drafts as an apply would."""

    desk: CatalogueDesk

    async def benchmark(self, body: str, text: str) -> BenchmarkDocument:
        """Return the one benchmark that a YAML text holds. Raises ``CatalogueRefusedError`` with every fault."""
        checked = await self.desk.check(Order(body, (SourceFile(_FILE, text),), keep_missing=True))
        if checked.errors:
            raise CatalogueRefusedError(checked.errors)
        found = list(checked.documents.values())
        if len(found) != 1 or not isinstance(found[0], BenchmarkDocument):
            raise CatalogueRefusedError(
                [CatalogueFault(_FILE, 1, "kind", "must be exactly one document of kind benchmark")]
            )
        return found[0]
