"""From located data to documents: each by its model, then all of them against each other. Every fault is listed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import ValidationError

from evaluation_engine.domain.expression import theme_in
from evaluation_engine.errors import CatalogueFault
from evaluation_engine.service.catalogue.documents import MODELS, AnyDocument
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument, measures_of
from evaluation_engine.service.catalogue.reading import Located, Path, SourceFile, read_files
from evaluation_engine.service.catalogue.references import check_names, check_references


@dataclass(frozen=True, slots=True)
class Known:
    """What the files are checked against.

    Attributes:
        body: the body of the key that applies them.
        kpis: direction in which each known KPI is better, by id.
        foreign_services: ids of services that belong to other bodies.
        elsewhere: documents that stay although they are not among the files, by (kind, id).
        themes: ids of the themes that comments are read for; None where that is not known.
    """

    body: str
    kpis: Mapping[str, Literal["up", "down"]]
    foreign_services: Collection[str] = frozenset()
    elsewhere: Mapping[tuple[str, str], AnyDocument] | None = None
    themes: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document and where it stands."""

    document: AnyDocument
    place: Located


@dataclass(frozen=True, slots=True)
class Checked:
    """Documents of all files by (kind, id), with all faults; they can be applied when no fault is an error."""

    documents: Mapping[tuple[str, str], AnyDocument]
    faults: tuple[CatalogueFault, ...]

    @property
    def errors(self) -> tuple[CatalogueFault, ...]:
        """Faults that stop an apply."""
        return tuple(fault for fault in self.faults if fault.severity == "error")


def check_files(files: Iterable[SourceFile], known: Known) -> Checked:
    """Read and check all files of a catalogue; never raises for what stands in them."""
    located, faults = read_files(files)
    parsed: dict[tuple[str, str], Parsed] = {}
    broken: list[Located] = []
    for place in located:
        document = _parse(place, faults)
        if document is None:
            broken.append(place)
            continue
        name = (document.kind, document.id)
        if name in parsed:
            first = parsed[name].place
            at = f"{first.file}:{first.line_of(('id',))}"
            faults.append(place.fault(("id",), f"this {document.kind} stands already at {at}"))
            continue
        parsed[name] = Parsed(document, place)
    for one in parsed.values():
        faults.extend(_ownership(one, known))
        faults.extend(_themes(one, known))
    documents = {name: one.document for name, one in parsed.items()}
    around = {**dict.fromkeys(map(_name, broken)), **(known.elsewhere or {}), **documents}
    kpis = {**known.kpis, **_own_kpis(around.values(), broken)}
    for one in parsed.values():
        faults.extend(check_references(one.document, one.place, around, kpis))
    for place in broken:
        faults.extend(check_names(place, around, kpis))
    return Checked(documents, tuple(sorted(set(faults))))


def _own_kpis(
    documents: Iterable[AnyDocument | None], broken: Iterable[Located]
) -> Mapping[str, Literal["up", "down"]]:
    """Return the KPIs that the catalogue defines itself; those with faults are there too, better upwards."""
    unreadable = {str(place.data.get("id")): "up" for place in broken if place.data.get("kind") == "kpi"}
    return {**unreadable, **{one.id: one.direction for one in documents if isinstance(one, KpiDocument)}}  # type: ignore[dict-item]


def _parse(place: Located, faults: list[CatalogueFault]) -> AnyDocument | None:
    kind = place.data.get("kind")
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        faults.append(place.fault(("kind",), f"must be one of {', '.join(MODELS)}"))
        return None
    try:
        return model.model_validate(place.data, by_name=False, by_alias=True)
    except ValidationError as error:
        faults.extend(_faults(error, place, model))
        return None


def _name(place: Located) -> tuple[str, str]:
    return str(place.data.get("kind")), str(place.data.get("id"))


def _faults(error: ValidationError, place: Located, model: type[AnyDocument]) -> Iterable[CatalogueFault]:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    paths: list[Path] = [tuple(part for part in detail["loc"] if part != "[key]") for detail in details]
    for path, detail in zip(paths, details, strict=True):
        inner = any(len(other) > len(path) and other[: len(path)] == path for other in paths)
        if not (inner and detail["type"] == "too_short"):  # an item that is refused isn't one item too few as well
            yield place.fault(path, _reason(detail["type"], detail["msg"], path, model))


def _reason(kind: str, message: str, path: Path, model: type[AnyDocument]) -> str:
    if kind == "extra_forbidden":
        known = sorted(_fields_at(path[:-1], model))
        near = get_close_matches(str(path[-1]), known, n=1)
        return f"unknown field; did you mean {near[0]}?" if near else "unknown field"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")


def _fields_at(path: Path, model: type[AnyDocument]) -> set[str]:
    """Names of fields that may stand at a path, found in the model's own schema."""
    schema = model.model_json_schema(by_alias=True)
    here: Any = schema
    for part in path:
        here = _resolved(here, schema)
        here = here.get("items", {}) if isinstance(part, int) else here.get("properties", {}).get(part, {})
    return set(_resolved(here, schema).get("properties", {}))


def _resolved(node: Any, schema: Any) -> Any:
    for option in node.get("anyOf", ()):
        if "$ref" in option:
            node = option
    name = node.get("$ref", "").rpartition("/")[2]
    return schema["$defs"][name] if name else node


def _themes(one: Parsed, known: Known) -> Iterable[CatalogueFault]:
    if not isinstance(one.document, KpiDocument) or known.themes is None:
        return
    counted = (theme_in(name) for name in measures_of(one.document))
    for theme in dict.fromkeys(theme for theme in counted if theme is not None and theme not in known.themes):
        near = get_close_matches(theme, known.themes, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield one.place.fault(("measure",), f"the taxonomy has no theme {theme}{hint}")


def _ownership(one: Parsed, known: Known) -> Iterable[CatalogueFault]:
    document, place = one.document, one.place
    if document.kind == "kpi" and document.id in known.kpis:
        yield place.fault(("id",), "a KPI of this id comes with the platform; give yours another")
    if document.kind == "body" and document.id != known.body:
        yield place.fault(("id",), f"this key belongs to the body {known.body}")
    if document.kind != "service":
        return
    if document.body not in (None, known.body):
        yield place.fault(("body",), f"this key belongs to the body {known.body}; a key can't define for another")
    if document.id in known.foreign_services:
        yield place.fault(("id",), "a service of another body has this id; ids are unique in the installation")
