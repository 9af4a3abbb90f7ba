"""What keeps a target from being watched by its error budget, and which of its alerts can never fire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evaluation_engine.domain import burn
from evaluation_engine.domain.packs import BY_ID
from evaluation_engine.errors import CatalogueFault
from evaluation_engine.service.catalogue.documents import AnyDocument, TargetDocument
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument, definition_from
from evaluation_engine.service.catalogue.reading import Located
from evaluation_engine.service.evaluate.yardstick import target_of


def check_burn_rate(
    target: TargetDocument, place: Located, documents: Mapping[tuple[str, str], AnyDocument | None]
) -> Iterator[CatalogueFault]:
    """Yield every fault of a target's burn rate; an alert that can never fire is left out with a warning."""
    if target.burn_rate is None:
        return
    own = documents.get(("kpi", target.kpi))
    definition = definition_from(own, 1) if isinstance(own, KpiDocument) else BY_ID.get(target.kpi)
    if definition is None:
        return
    faults = burn.faults(target_of(target), definition)
    yield from (place.fault(("burn_rate",), fault) for fault in faults)
    if not faults:
        yield from (place.warning(("burn_rate",), one) for one in burn.left_out(target_of(target), definition))
