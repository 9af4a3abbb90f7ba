"""From the text of YAML files to plain data that knows the line of every field.

Scalars follow YAML 1.2's core schema: ``no`` is a word, not false, and a date is a string. Aliases and tags are
refused: a catalogue is read by people, and expanding aliases is a known way to exhaust memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from evaluation_engine.errors import CatalogueFault

Path = tuple[str | int, ...]
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?([0-9]{1,15}\.[0-9]*|\.[0-9]+|[0-9]{1,15})([eE][-+]?[0-9]{1,2})?")
_CONSTANTS: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_CORE_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value"))
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was handed in."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Located:
    """One document as plain data; ``lines`` has the line (from 1) of every field that stands in the file."""

    file: str
    data: dict[str, Any]
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int:
        """Return the line of a field, or of what it would stand in when it is missing."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def fault(self, path: Path, reason: str) -> CatalogueFault:
        """Return a fault at a field."""
        return CatalogueFault(self.file, self.line_of(path), dotted(path), reason)

    def warning(self, path: Path, reason: str) -> CatalogueFault:
        """Return a warning at a field."""
        return CatalogueFault(self.file, self.line_of(path), dotted(path), reason, "warning")


def dotted(path: Path) -> str:
    """Return ``criteria.0.kpi`` for a path."""
    return ".".join(str(part) for part in path) or "(document)"


def read_files(files: Iterable[SourceFile]) -> tuple[list[Located], list[CatalogueFault]]:
    """Return the documents of all files and every fault of reading them; a broken file doesn't hide the others."""
    documents: list[Located] = []
    faults: list[CatalogueFault] = []
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            faults.append(CatalogueFault(file.path, 1, "(file)", "this file is given twice"))
            continue
        seen.add(file.path)
        documents.extend(_read(file, faults))
    return documents, faults


def _read(file: SourceFile, faults: list[CatalogueFault]) -> Iterator[Located]:
    try:
        nodes = list(yaml.compose_all(file.text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        faults.append(CatalogueFault(file.path, line, "(file)", f"not readable YAML: {error.problem}"))
        return
    except (yaml.YAMLError, RecursionError):
        faults.append(CatalogueFault(file.path, 1, "(file)", "not readable YAML"))
        return
    for node in nodes:
        reader = _Reader(file.path, faults)
        data = reader.value(node, ())
        if isinstance(data, dict):
            yield Located(file.path, data, reader.lines)
        elif data is not None:
            faults.append(CatalogueFault(file.path, _line(node), "(document)", "must be a mapping with a kind"))


class _Loader(yaml.SafeLoader):
    """Composes nodes, refuses aliases and depth."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self._mark()
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not used in catalogues", mark)
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _mark(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]


class _Reader:
    """Turns one document's nodes into plain data and notes lines."""

    def __init__(self, file: str, faults: list[CatalogueFault]) -> None:
        self._file = file
        self._faults = faults
        self.lines: dict[Path, int] = {}

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, _line(node))
        if node.tag.removeprefix(_CORE_TAG) not in _PLAIN:
            self._fault(node, path, "tags (!name) are not used in catalogues")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                self._fault(key_node, path, "a key must be a word")
                continue
            if key in result:
                self._fault(key_node, (*path, key), "this key stands twice")
                continue
            self.lines[*path, key] = _line(key_node)
            result[key] = self.value(value_node, (*path, key))
        return result

    def _fault(self, node: yaml.Node, path: Path, reason: str) -> None:
        self._faults.append(CatalogueFault(self._file, _line(node), dotted(path), reason))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
    if quoted or node.tag == f"{_CORE_TAG}str":
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
