"""Read a mapping file and tell all that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from civiloop_cli.imports.errors import MappingError
from civiloop_cli.imports.mapping import FeedbackMapping, JourneyMapping, Mapping
from civiloop_cli.imports.yaml_lines import Document, read_yaml

Kind = Literal["journeys", "feedback"]
_MODELS: dict[str, type[Mapping]] = {"journeys": JourneyMapping, "feedback": FeedbackMapping}
_REASONS = {"extra_forbidden": "is not a known field", "missing": "is missing"}


def read_mapping(path: Path, kind: Kind) -> Mapping:
    """Return the mapping of a kind.

    Raises:
        MappingError: with every fault, its line and place.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise MappingError([f"{path}: not UTF-8 text"]) from error
    document = read_yaml(text)
    if document.faults:
        raise MappingError([f"{path.name}:{line} {reason}" for line, reason in document.faults])
    _require_kind(document, path, kind)
    try:
        return _MODELS[kind].model_validate(document.value)
    except ValidationError as error:
        raise MappingError(_faults(error, document, path)) from error


def _require_kind(document: Document, path: Path, kind: Kind) -> None:
    if not isinstance(document.value, dict):
        raise MappingError([f"{path.name}:1 must be a YAML mapping with kind, source and fields"])
    said = document.value.get("kind")
    if said != kind:
        line = document.line_of(("kind",))
        raise MappingError([f"{path.name}:{line} kind: is {said!r}, and this command imports {kind!r}"])


def _faults(error: ValidationError, document: Document, path: Path) -> list[str]:
    found = []
    details = error.errors(include_url=False, include_input=False, include_context=False)
    places = [tuple(part for part in detail["loc"] if part != "[key]") for detail in details]
    for place, detail in zip(places, details, strict=True):
        inner = any(len(other) > len(place) and other[: len(place)] == place for other in places)
        if inner and detail["type"] == "too_short":
            continue  # an item that is refused isn't one item too few as well
        name = ".".join(str(part) for part in place)
        message = _REASONS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
        found.append((document.line_of(place), f"{name}: {message}" if name else message))
    return [f"{path.name}:{line} {text}" for line, text in sorted(found)]


def require_columns(mapping: Mapping, header: list[str], path: Path) -> None:
    """Raise with every column that the mapping names and the file doesn't have.

    Raises:
        MappingError: with every missing column.
    """
    missing = sorted(mapping.columns() - set(header))
    if missing:
        raise MappingError([f"{path.name} has no column {name!r}" for name in missing])
